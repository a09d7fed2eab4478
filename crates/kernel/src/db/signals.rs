//! News of what was committed, for whoever in this program is concerned.

use std::any::Any;
use std::sync::{Arc, PoisonError, RwLock};

type Listener = Arc<dyn Fn(&dyn Any) + Send + Sync>;

/// Those who listen.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<RwLock<Vec<Listener>>>);

impl Signals {
    pub(crate) fn listen<T: Any>(&self, listener: impl Fn(&T) + Send + Sync + 'static) {
        let listener: Listener = Arc::new(move |news| {
            if let Some(news) = news.downcast_ref::<T>() {
                listener(news);
            }
        });
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(crate) fn tell(&self, news: &dyn Any) {
        let listeners = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener(news);
        }
    }
}
