//! Every test on every engine.

use std::future::Future;

use muster_kernel::db::Engine;

/// Something a test begins with, made afresh on the engine under test.
pub trait OnEngine: Sized {
    /// Makes it.
    fn on(engine: Engine) -> impl Future<Output = Self>;
}

/// Runs a test's future to its end.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// Declares tests that run once on each engine, as `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! each_engine {
    ($($(#[$meta:meta])* async fn $name:ident($($given:ident)+ : $type:ty) $body:block)+) => {
        $(
            $(#[$meta])*
            mod $name {
                #[allow(unused_imports)]
                use super::*;

                async fn proof($($given)+: $type) $body

                #[test]
                fn sqlite() {
                    $crate::run(async { proof(<$type as $crate::OnEngine>::on($crate::Engine::Sqlite).await).await });
                }

                #[test]
                fn postgres() {
                    $crate::run(async { proof(<$type as $crate::OnEngine>::on($crate::Engine::Postgres).await).await });
                }
            }
        )+
    };
}
