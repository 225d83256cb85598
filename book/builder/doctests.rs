//! Every chapter as the documentation of a module: `cargo test` then compiles and runs its Rust blocks
//! against the crates of the workspace.

// A block with words that rustdoc does not understand would be left out, not tested.
#![deny(rustdoc::invalid_codeblock_attributes)]

macro_rules! chapters {
    ($($name:ident: $file:literal,)*) => {
        $(#[doc = include_str!(concat!("../src/", $file))] mod $name {})*
    };
}

chapters! {
    title: "README.md",
    how_to_read: "how-to-read.md",
    exercises: "exercises.md",
    chain_rule: "part1/chain-rule.md",
    tape: "part1/tape.md",
    vjps: "part1/vjps.md",
    softmax: "part1/softmax.md",
    check: "part1/check.md",
    lstm: "part3/lstm.md",
    lstm_step: "part3/lstm-step.md",
    lstm_backward: "part3/lstm-backward.md",
    peephole: "part3/peephole.md",
    gru: "part3/gru.md",
    variants: "part3/variants.md",
    beginning: "part3/beginning.md",
    symbols: "part2/symbols.md",
    unrolling: "part2/unrolling.md",
    elman: "part2/elman.md",
    vanishing: "part2/vanishing.md",
    jordan: "part2/jordan.md",
    bidirectional: "part2/bidirectional.md",
    lengths: "part2/lengths.md",
    heads: "part2/heads.md",
    seq2seq: "part2/seq2seq.md",
    mistakes: "part4/mistakes.md",
    fastest: "part5/fastest.md",
    peers: "part5/peers.md",
    compared: "part5/compared.md",
    pytorch: "part5/pytorch.md",
    reading: "reading.md",
    course: "course.md",
    coverage: "coverage.md",
    losses: "part4/losses.md",
    optimisers: "part4/optimisers.md",
    clipping: "part4/clipping.md",
    truncated: "part4/truncated.md",
    writing: "part4/writing.md",
    inside: "part4/inside.md",
    checkpoint: "part4/checkpoint.md",
    watch: "part4/watch.md",
}
