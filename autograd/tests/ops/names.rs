//! The names of the operations, which messages and traces say.

use autograd::{Op, ops};

#[test]
fn operations_say_their_names() {
    fn name(op: impl Op<f64>) -> &'static str {
        op.name()
    }
    let scaled = ops::ScaleShift { scale: 2.0, shift: 1.0 };
    assert_eq!(
        [name(ops::Add), name(ops::Sub), name(ops::Mul), name(ops::Div)],
        ["add", "sub", "mul", "div"]
    );
    assert_eq!([name(scaled), name(ops::DivideInto { numerator: 1.0 })], ["scale_shift", "divide_into"]);
    assert_eq!([name(ops::AddColumn), name(ops::MulColumn)], ["add_column", "mul_column"]);
    assert_eq!([name(ops::Sigmoid), name(ops::Tanh), name(ops::Relu)], ["sigmoid", "tanh", "relu"]);
    assert_eq!([name(ops::Exp), name(ops::Ln)], ["exp", "ln"]);
    assert_eq!([name(ops::Square), name(ops::Sqrt)], ["square", "sqrt"]);
    assert_eq!([name(ops::Embedding { cols: 1 }), name(ops::CrossEntropy)], ["embedding", "cross_entropy"]);
    let product = ops::MatMul { transpose_a: false, transpose_b: true };
    assert_eq!([name(product), name(ops::Affine)], ["matmul", "affine"]);
    assert_eq!([name(ops::ConcatRows), name(ops::Select)], ["concat_rows", "select"]);
    assert_eq!([name(ops::Softmax), name(ops::LogSoftmax)], ["softmax", "log_softmax"]);
    assert_eq!([name(ops::Sum), name(ops::SumRows), name(ops::SumCols)], ["sum", "sum_rows", "sum_cols"]);
}
