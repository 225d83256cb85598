//! Expressions: operators, and functions of several variables.

use crate::ops;
use crate::{Float, Tape, Var};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `a + b` of equal shapes; an R×1 `b` is added to every column of `a` (a bias).
impl<'t, T: Float> Add for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn add(self, b: Self) -> Self {
        if is_column_for(b, self) {
            self.tape.apply(ops::AddColumn, &[self, b])
        } else {
            self.tape.apply(ops::Add, &[self, b])
        }
    }
}

/// `a − b` of equal shapes.
impl<'t, T: Float> Sub for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn sub(self, b: Self) -> Self {
        self.tape.apply(ops::Sub, &[self, b])
    }
}

/// `a ⊙ b` of equal shapes; an R×1 `b` multiplies every column of `a` (a diagonal matrix).
impl<'t, T: Float> Mul for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn mul(self, b: Self) -> Self {
        if is_column_for(b, self) {
            self.tape.apply(ops::MulColumn, &[self, b])
        } else {
            self.tape.apply(ops::Mul, &[self, b])
        }
    }
}

/// `a / b` of equal shapes, entry by entry.
impl<'t, T: Float> Div for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn div(self, b: Self) -> Self {
        self.tape.apply(ops::Div, &[self, b])
    }
}

fn is_column_for<T: Float>(b: Var<'_, T>, a: Var<'_, T>) -> bool {
    b.cols() == 1 && a.cols() != 1
}

impl<'t, T: Float> Neg for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        self.tape.apply(ops::ScaleShift { scale: -1.0, shift: 0.0 }, &[self])
    }
}

impl<'t, T: Float> Add<f64> for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn add(self, b: f64) -> Self {
        self.tape.apply(ops::ScaleShift { scale: 1.0, shift: b }, &[self])
    }
}

impl<'t, T: Float> Sub<f64> for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn sub(self, b: f64) -> Self {
        self.tape.apply(ops::ScaleShift { scale: 1.0, shift: -b }, &[self])
    }
}

impl<'t, T: Float> Mul<f64> for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn mul(self, b: f64) -> Self {
        self.tape.apply(ops::ScaleShift { scale: b, shift: 0.0 }, &[self])
    }
}

impl<'t, T: Float> Div<f64> for Var<'t, T> {
    type Output = Self;
    #[track_caller]
    fn div(self, b: f64) -> Self {
        self.tape.apply(ops::ScaleShift { scale: 1.0 / b, shift: 0.0 }, &[self])
    }
}

impl<'t, T: Float> Add<Var<'t, T>> for f64 {
    type Output = Var<'t, T>;
    #[track_caller]
    fn add(self, b: Var<'t, T>) -> Var<'t, T> {
        b + self
    }
}

impl<'t, T: Float> Sub<Var<'t, T>> for f64 {
    type Output = Var<'t, T>;
    #[track_caller]
    fn sub(self, b: Var<'t, T>) -> Var<'t, T> {
        b.tape.apply(ops::ScaleShift { scale: -1.0, shift: self }, &[b])
    }
}

impl<'t, T: Float> Mul<Var<'t, T>> for f64 {
    type Output = Var<'t, T>;
    #[track_caller]
    fn mul(self, b: Var<'t, T>) -> Var<'t, T> {
        b * self
    }
}

impl<'t, T: Float> Div<Var<'t, T>> for f64 {
    type Output = Var<'t, T>;
    #[track_caller]
    fn div(self, b: Var<'t, T>) -> Var<'t, T> {
        b.tape.apply(ops::DivideInto { numerator: self }, &[b])
    }
}

impl<T: Float> Tape<T> {
    /// `Σₖ Wₖ xₖ + b`, the pre-activation of a layer, in one operation: `W x + U h + b` is
    /// `tape.affine(&[(w, x), (u, h)], b)`. Each `Wₖ` is R×Nₖ, each `xₖ` Nₖ×B, `b` R×1.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn affine<'t>(&'t self, products: &[(Var<'t, T>, Var<'t, T>)], b: Var<'t, T>) -> Var<'t, T> {
        let mut list = self.list();
        list.push_for("affine", b);
        for &(w, x) in products {
            list.push_for("affine", w);
            list.push_for("affine", x);
        }
        list.apply(ops::Affine)
    }

    /// Matrices of equally many columns on top of each other.
    ///
    /// # Panics
    /// If the numbers of columns differ, or there is no matrix at all.
    #[track_caller]
    pub fn concat_rows<'t>(&'t self, parts: &[Var<'t, T>]) -> Var<'t, T> {
        self.apply(ops::ConcatRows, parts)
    }

    /// `a` where the mask is true, `b` elsewhere. The mask has one flag per column, or one per entry.
    /// Unlike a product with 0 and 1 it keeps a NaN of the other side out, of the gradient too.
    ///
    /// # Panics
    /// If the shapes differ or the mask fits neither.
    #[track_caller]
    pub fn select<'t>(
        &'t self,
        mask: impl IntoIterator<Item = bool>,
        a: Var<'t, T>,
        b: Var<'t, T>,
    ) -> Var<'t, T> {
        let mut list = self.list();
        list.push_for("select", a);
        list.push_for("select", b);
        list.record(ops::Select, mask.into_iter().map(usize::from))
    }

    /// An empty list of variables, for operations with any number of inputs. Lists are used again,
    /// so that a loop over time steps allocates nothing.
    pub fn list(&self) -> VarList<'_, T> {
        let ids = self.inner.borrow_mut().lists.pop().unwrap_or_default();
        VarList { tape: self, ids }
    }
}

/// A list of variables: see [`Tape::list`].
pub struct VarList<'t, T: Float> {
    tape: &'t Tape<T>,
    ids: Vec<u32>,
}

impl<'t, T: Float> VarList<'t, T> {
    /// Adds a variable.
    ///
    /// # Panics
    /// If it is on another tape.
    #[track_caller]
    pub fn push(&mut self, x: Var<'t, T>) {
        self.push_for("list", x);
    }

    /// Adds a variable for the operation of this name.
    #[track_caller]
    fn push_for(&mut self, name: &str, x: Var<'t, T>) {
        assert!(std::ptr::eq(x.tape, self.tape), "{name}: an input is on another tape");
        self.ids.push(x.id);
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The variable at place `k`.
    pub fn get(&self, k: usize) -> Var<'t, T> {
        Var { tape: self.tape, id: self.ids[k] }
    }

    /// Turns the order round.
    pub fn reverse(&mut self) {
        self.ids.reverse();
    }

    /// Runs an operation on all of them.
    #[track_caller]
    pub fn apply(&self, op: impl crate::Op<T>) -> Var<'t, T> {
        self.record(op, [].into_iter())
    }

    /// Runs an operation on all of them that also needs whole numbers: see [`Tape::apply_indexed`].
    #[track_caller]
    pub fn apply_indexed(&self, op: impl crate::Op<T>, indices: &[usize]) -> Var<'t, T> {
        self.record(op, indices.iter().copied())
    }

    #[track_caller]
    fn record(&self, op: impl crate::Op<T>, indices: impl Iterator<Item = usize>) -> Var<'t, T> {
        let inner = &mut *self.tape.inner.borrow_mut();
        let start = inner.parents.len();
        inner.parents.extend_from_slice(&self.ids);
        let id = inner.record(op, start, indices);
        Var { tape: self.tape, id }
    }

    /// All of them on top of each other.
    #[track_caller]
    pub fn concat_rows(&self) -> Var<'t, T> {
        self.apply(ops::ConcatRows)
    }
}

impl<T: Float> Drop for VarList<'_, T> {
    fn drop(&mut self) {
        let mut ids = std::mem::take(&mut self.ids);
        ids.clear();
        self.tape.inner.borrow_mut().lists.push(ids);
    }
}
