//! What the machine did besides: a figure from a machine that others use as well is worth less.

/// What the system said when the measurement began; nothing where it does not tell.
pub(crate) struct Machine {
    ticks: Option<Ticks>,
    began: std::time::Instant,
}

/// The processors' time since the system was started.
struct Ticks {
    all: u64,
    /// Taken away by other machines on the same hardware.
    stolen: u64,
}

impl Machine {
    pub(crate) fn now() -> Machine {
        Machine { ticks: Ticks::read(), began: std::time::Instant::now() }
    }

    /// The load average, and which part of the processors' time was stolen since.
    pub(crate) fn besides(&self) -> String {
        let mut text = String::new();
        if let Ok(loads) = std::fs::read_to_string("/proc/loadavg") {
            text.push_str(&format!("\tload {}", loads.split(' ').next().unwrap_or_default()));
        }
        if let (Some(before), Some(after)) = (&self.ticks, Ticks::read()) {
            let all = after.all.saturating_sub(before.all).max(1);
            let stolen = after.stolen.saturating_sub(before.stolen);
            text.push_str(&format!("\tstolen {} %", stolen * 100 / all));
        }
        // What the load generator took itself, of one processor.
        if let Some(own) = own_time() {
            text.push_str(&format!("\town {} %", own * 100 / self.began.elapsed().as_millis().max(1)));
        }
        text
    }
}

/// How long this program has been at work, in milliseconds.
fn own_time() -> Option<u128> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // What follows the name in brackets, of which utime and stime are the twelfth and the thirteenth; in hundredths.
    let (_, fields) = text.rsplit_once(')')?;
    let ticks: Vec<u128> =
        fields.split_whitespace().skip(11).take(2).map_while(|ticks| ticks.parse().ok()).collect();
    Some(ticks.iter().sum::<u128>() * 10)
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
