//! Each promise is kept.

use calltest_engine::contract;

use crate::bench::ScriptedBench;

/// Makes of each promise a test of the same name, after which nothing is left of the bench.
macro_rules! are_kept {
    ($($promise:ident),* $(,)?) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $promise() {
                let bench = ScriptedBench::good().await;
                contract::$promise(&bench).await;
                assert_eq!(bench.world().calls_up(), [""; 0]);
                assert_eq!(bench.world().listening(), 0);
            }
        )*
    };
}

calltest_engine::promises!(are_kept);
