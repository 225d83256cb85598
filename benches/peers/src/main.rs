//! The same recurrent layers in candle and in burn, measured on request: `peers candle` and `peers burn`.
//!
//! RAYON_NUM_THREADS says by how many threads.

mod on_burn;
mod on_candle;
mod worker;

fn main() {
    let peer = std::env::args().nth(1).unwrap_or_default();
    let result = match peer.as_str() {
        "candle" => worker::serve(on_candle::Stack::new),
        "burn" => worker::serve(on_burn::Stack::new),
        other => Err(format!("unknown library {other:?}; known: candle, burn")),
    };
    if let Err(problem) = result {
        eprintln!("peers: {problem}");
        std::process::exit(2);
    }
}
