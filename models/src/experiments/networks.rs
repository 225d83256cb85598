//! The networks that are compared.

use crate::cells::Kind;
use crate::choice::Invalid;

/// A network by its name in a comparison: a cell, in one layer or two, in one direction or both.
#[derive(Debug)]
pub struct Contender {
    /// The name.
    pub name: &'static str,
    /// The cell.
    pub kind: Kind,
    /// How many layers.
    pub layers: usize,
    /// Whether it runs both ways.
    pub bidirectional: bool,
    /// One line: what it is.
    pub summary: &'static str,
}

/// One layer, one direction.
const fn plain(name: &'static str, kind: Kind, summary: &'static str) -> Contender {
    Contender { name, kind, layers: 1, bidirectional: false, summary }
}

/// All of them, simplest first.
pub static NETWORKS: [Contender; 10] = [
    plain("elman", Kind::Elman, "Elman (1990): the hidden state is fed back, through tanh"),
    plain("elman-relu", Kind::ElmanRelu, "the same with relu"),
    plain("jordan", Kind::Jordan, "Jordan (1986): the output is fed back"),
    plain("lstm-no-forget", Kind::LstmNoForget, "Hochreiter and Schmidhuber (1997): input and output gate"),
    plain("lstm", Kind::Lstm, "Gers, Schmidhuber and Cummins (2000): with a forget gate"),
    plain(
        "peephole",
        Kind::Peephole,
        "Gers, Schraudolph and Schmidhuber (2002): the gates see the cell state",
    ),
    plain("gru", Kind::Gru, "Cho et al. (2014), the reset gate after the recurrent product, as in PyTorch"),
    plain("gru-reset-before", Kind::GruResetBefore, "the same with the reset gate before it, as published"),
    Contender {
        bidirectional: true,
        ..plain(
            "bidirectional-lstm",
            Kind::Lstm,
            "an LSTM in each direction: for tasks that ask after all is read",
        )
    },
    Contender { layers: 2, ..plain("stacked-lstm", Kind::Lstm, "two layers of LSTM, one on the other") },
];

/// The network of that name.
///
/// # Errors
/// If there is none: which there are, a line each.
pub fn network(name: &str) -> Result<&'static Contender, Invalid> {
    NETWORKS.iter().find(|network| network.name == name).ok_or_else(|| {
        let line = |network: &Contender| format!("\n{:18} {}", network.name, network.summary);
        Invalid(format!("unknown network {name}; known:{}", NETWORKS.iter().map(line).collect::<String>()))
    })
}
