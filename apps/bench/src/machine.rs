//! What the machine did besides: a figure from a machine that others use as well is worth less.

/// What the system said when the measurement began; nothing where it does not tell.
pub(crate) struct Machine(Option<Ticks>);

/// The processors' time since the system was started.
struct Ticks {
    all: u64,
    /// Taken away by other machines on the same hardware.
    stolen: u64,
}

impl Machine {
    pub(crate) fn now() -> Machine {
        Machine(Ticks::read())
    }

    /// The load average, and which part of the processors' time was stolen since.
    pub(crate) fn besides(&self) -> String {
        let mut text = String::new();
        if let Ok(loads) = std::fs::read_to_string("/proc/loadavg") {
            text.push_str(&format!("\tload {}", loads.split(' ').next().unwrap_or_default()));
        }
        if let (Some(before), Some(after)) = (&self.0, Ticks::read()) {
            let all = after.all.saturating_sub(before.all).max(1);
            let stolen = after.stolen.saturating_sub(before.stolen);
            text.push_str(&format!("\tstolen {} %", stolen * 100 / all));
        }
        text
    }
}

impl Ticks {
    fn read() -> Option<Ticks> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        // user, nice, system, idle, iowait, irq, softirq, steal
        let ticks: Vec<u64> =
            text.lines().next()?.split_whitespace().skip(1).take(8).map_while(|n| n.parse().ok()).collect();
        Some(Ticks { all: ticks.iter().sum(), stolen: *ticks.get(7)? })
    }
}
