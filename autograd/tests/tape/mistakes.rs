//! Misuse panics with the operation's name and the shapes, at the caller's line.

use autograd::{Tape, Var, ops};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local!(static LAST_PANIC_IN: Cell<&'static str> = const { Cell::new("") });

/// What a panic says, and the file it points to.
fn panic_of(f: impl FnOnce()) -> (String, &'static str) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let here = info.location().is_some_and(|place| place.file() == file!());
            LAST_PANIC_IN.set(if here { "this file" } else { "another file" });
            before(info);
        }));
    });
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it should panic");
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_string()));
    (text.unwrap_or_default(), LAST_PANIC_IN.get())
}

/// A mistake, and what the message must contain.
type Mistake = (&'static str, fn(&Tape<f64>), &'static [&'static str]);

fn zeros(tape: &Tape<f64>, rows: usize, cols: usize) -> Var<'_, f64> {
    tape.zeros(rows, cols)
}

fn all_are_named(mistakes: &[Mistake]) {
    for (what, mistake, words) in mistakes {
        let (message, place) = panic_of(|| mistake(&Tape::new()));
        for word in *words {
            assert!(message.contains(word), "{what}: no `{word}` in: {message}");
        }
        assert_eq!(place, "this file", "{what}: the panic points into the library: {message}");
    }
}

#[test]
fn in_expressions() {
    type Pair = fn(Var<'_, f64>, Var<'_, f64>);
    let mistakes: [(&str, Pair); 5] = [
        ("add of 2×3 and 3×2", |a, b| _ = a + b),
        ("sub of 2×3 and 3×2", |a, b| _ = a - b),
        ("mul of 2×3 and 3×2", |a, b| _ = a * b),
        ("div of 2×3 and 3×2", |a, b| _ = a / b),
        ("sub of 2×3 and 3×2", |a, b| _ = a.mse_loss(b)),
    ];
    for (name, mistake) in mistakes {
        let (message, place) = panic_of(|| {
            let tape = Tape::new();
            mistake(zeros(&tape, 2, 3), zeros(&tape, 3, 2));
        });
        assert!(message.starts_with(name), "{message}");
        assert_eq!(place, "this file");
    }
}

#[test]
fn in_columns_and_products() {
    all_are_named(&[
        ("bias", |t| _ = zeros(t, 2, 3) + zeros(t, 3, 1), &["add_column of 2×3 and 3×1", "2 rows"]),
        ("column", |t| _ = zeros(t, 2, 3) * zeros(t, 3, 1), &["mul_column of 2×3 and 3×1"]),
        ("minus", |t| _ = zeros(t, 2, 3) - zeros(t, 2, 1), &["sub of 2×3 and 2×1"]),
        ("A B", |t| _ = zeros(t, 2, 3).matmul(zeros(t, 4, 5)), &["matmul of 2×3 and 4×5", "A B"]),
        ("Aᵀ B", |t| _ = zeros(t, 2, 3).t_matmul(zeros(t, 3, 2)), &["matmul of 2×3 and 3×2", "Aᵀ B"]),
        ("A Bᵀ", |t| _ = zeros(t, 2, 3).matmul_t(zeros(t, 3, 2)), &["matmul of 2×3 and 3×2", "A Bᵀ"]),
        (
            "Aᵀ Bᵀ",
            |t| {
                let both = ops::MatMul { transpose_a: true, transpose_b: true };
                t.apply(both, &[zeros(t, 2, 3), zeros(t, 2, 3)]);
            },
            &["matmul of 2×3 and 2×3", "Aᵀ Bᵀ"],
        ),
        (
            "affine, one product",
            |t| _ = t.affine(&[(zeros(t, 2, 3), zeros(t, 4, 5))], zeros(t, 2, 1)),
            &["affine of 2×1 and 2×3 and 4×5", "product 0"],
        ),
        (
            "affine, second product",
            |t| {
                let fits = (zeros(t, 2, 3), zeros(t, 3, 5));
                t.affine(&[fits, (zeros(t, 2, 3), zeros(t, 3, 4))], zeros(t, 2, 1));
            },
            &["affine of 2×1 and 2×3 and 3×5 and 2×3 and 3×4", "product 1"],
        ),
        (
            "affine, wide bias",
            |t| _ = t.affine(&[(zeros(t, 2, 3), zeros(t, 3, 5))], zeros(t, 2, 5)),
            &["affine of 2×5 and 2×3 and 3×5", "bias"],
        ),
        ("affine of nothing", |t| _ = t.affine(&[], zeros(t, 2, 1)), &["affine of 2×1", "product"]),
        (
            "affine, half a product",
            |t| _ = t.apply(ops::Affine, &[zeros(t, 2, 1), zeros(t, 2, 3), zeros(t, 3, 5), zeros(t, 2, 2)]),
            &["affine of 2×1 and 2×3 and 3×5 and 2×2", "product"],
        ),
    ]);
}

#[test]
fn in_rows_and_indices() {
    all_are_named(&[
        ("row_block", |t| _ = zeros(t, 3, 2).row_block(1..4), &["row_block 1..4 of 3×2"]),
        ("chunk", |t| _ = zeros(t, 3, 2).chunk::<2>(), &["chunk of 3×2", "2 equal blocks"]),
        ("concat", |t| _ = t.concat_rows(&[zeros(t, 2, 3), zeros(t, 2, 4)]), &["concat_rows of 2×3 and 2×4"]),
        ("concat nothing", |t| _ = t.concat_rows(&[]), &["concat_rows", "nothing"]),
        ("concat an empty list", |t| _ = t.list().concat_rows(), &["concat_rows", "nothing"]),
        (
            "select",
            |t| _ = t.select([true; 3], zeros(t, 2, 3), zeros(t, 3, 3)),
            &["select of 2×3 and 3×3", "equal"],
        ),
        (
            "select, mask",
            |t| _ = t.select([true; 2], zeros(t, 2, 3), zeros(t, 2, 3)),
            &["select of 2×3 and 2×3", "2 flags"],
        ),
        ("embedding, id", |t| _ = zeros(t, 5, 2).embedding(&[0, 5], 2), &["embedding of 5×2", "row 5"]),
        ("embedding, count", |t| _ = zeros(t, 5, 2).embedding(&[0; 5], 2), &["embedding of 5×2", "5 ids"]),
        (
            "embedding, no columns",
            |t| _ = zeros(t, 5, 2).embedding(&[], 0),
            &["embedding of 5×2", "0 columns"],
        ),
        ("class", |t| _ = zeros(t, 3, 2).cross_entropy(&[0, 3]), &["cross_entropy of 3×2", "class 3"]),
        (
            "class, two blocks",
            |t| _ = zeros(t, 6, 2).cross_entropy(&[0, 0, 0, 3]),
            &["cross_entropy of 6×2", "class 3 among 3"],
        ),
        ("targets", |t| _ = zeros(t, 3, 2).cross_entropy(&[0; 3]), &["cross_entropy of 3×2", "3 targets"]),
        ("blocks", |t| _ = zeros(t, 3, 2).cross_entropy(&[0; 4]), &["cross_entropy of 3×2", "4 targets"]),
        ("no targets", |t| _ = zeros(t, 3, 2).cross_entropy(&[]), &["cross_entropy of 3×2", "0 targets"]),
        ("no classes", |t| _ = zeros(t, 0, 2).cross_entropy(&[0, 0]), &["cross_entropy of 0×2", "2 targets"]),
    ]);
}

#[test]
fn in_what_is_given_and_asked_for() {
    all_are_named(&[
        ("leaf", |t| _ = t.leaf(2, 3, &[0.0; 5]), &["leaf", "5 values for 2×3"]),
        ("constant", |t| _ = t.constant(2, 3, &[0.0; 7]), &["constant", "7 values for 2×3"]),
        ("item", |t| _ = zeros(t, 2, 3).item(), &["item of 2×3"]),
        ("backward", |t| zeros(t, 2, 3).backward(), &["backward from 2×3", "1×1"]),
        ("cotangent", |t| zeros(t, 2, 3).backward_with(&[1.0; 5]), &["backward from 2×3", "5"]),
    ]);
}

/// A variable of another tape is noticed by every operation of several inputs, which is named.
#[test]
fn a_variable_of_another_tape() {
    type Mix = for<'t> fn(&'t Tape<f64>, Var<'t, f64>, Var<'t, f64>);
    let mixes: [(&str, Mix); 10] = [
        ("add:", |_, a, b| _ = a + b),
        ("sub:", |_, a, b| _ = a - b),
        ("mul:", |_, a, b| _ = a * b),
        ("div:", |_, a, b| _ = a / b),
        ("matmul:", |_, a, b| _ = a.matmul(b)),
        ("affine:", |t, a, b| _ = t.affine(&[(a, b)], a.sum_cols())),
        ("concat_rows:", |t, a, b| _ = t.concat_rows(&[a, b])),
        ("select:", |t, a, b| _ = t.select([true, false], a, b)),
        ("list:", |t, _, b| t.list().push(b)),
        ("sub:", |_, a, b| _ = a.mse_loss(b)),
    ];
    for (name, mix) in mixes {
        let (message, place) = panic_of(|| {
            let (here, there) = (Tape::new(), Tape::new());
            mix(&here, here.leaf(2, 2, &[1.0; 4]), there.leaf(2, 2, &[1.0; 4]));
        });
        assert!(message.starts_with(name) && message.contains("another tape"), "{name} {message}");
        assert_eq!(place, "this file", "{message}");
    }
}

/// After a mistake was caught the tape is still good.
#[test]
fn the_tape_survives_a_mistake() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(1, 2, &[1.0, 2.0]);
    let before = x.square();
    panic_of(|| _ = tape.select([true], x, x));
    panic_of(|| _ = x.embedding(&[7], 1));
    panic_of(|| _ = tape.concat_rows(&[x, x.sum()]));
    (before + tape.concat_rows(&[x]) * 10.0).sum().backward();
    assert_eq!(x.grad(), [12.0, 14.0]);
}
