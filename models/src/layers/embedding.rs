//! The embedding layer.

use crate::init::Init;
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// A learned vector of E features for each of V symbols: row `id` of the V×E table `weight`.
/// The same as a one-hot vector times a matrix, without the product.
#[derive(Clone, Debug)]
pub struct Embedding {
    features: usize,
    table: ParamId,
}

impl Embedding {
    /// Adds the table of a new layer, N(0, 1) as in PyTorch.
    pub fn new<T: Float>(
        params: &mut Params<T>,
        prefix: &str,
        symbols: usize,
        features: usize,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let entries = Init::Normal { std: 1.0 }.fill(rng, symbols, features);
        Self { features, table: params.add(format!("{prefix}.weight"), symbols, features, entries) }
    }

    /// Features of the output: E.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The vectors of T·B ids, step by step, as a sequence: (T·E)×B.
    ///
    /// # Panics
    /// If an id is not below V or the ids do not fill whole steps of `batch`.
    #[track_caller]
    pub fn forward<'t, T: Float>(&self, p: Bound<'t, T>, ids: &[usize], batch: usize) -> Var<'t, T> {
        p.get(self.table).embedding(ids, batch)
    }
}
