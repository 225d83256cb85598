//! What the check says of the exercise lstm3 as it comes: two gradients have changed places.

use autograd::check::Check;

fn main() {
    let check = Check::new(3)
        .book("book/src/part3/lstm-backward.md")
        .random_input("i", 3, 4, 1.0)
        .random_input("f", 3, 4, 1.0)
        .random_input("g", 3, 4, 1.0)
        .random_input("c before", 3, 4, 1.0);
    let report = check.derivation(
        |_, v| (v[1] * v[3]).label("f c") + (v[0] * v[2]).label("i g"),
        |v, dc| {
            let (i, f, g, c_before) = (v[0], v[1], v[2], v[3]);
            vec![dc * g, dc * f, dc * i, dc * c_before]
        },
    );
    println!("{report}  again: cargo test --bin lstm3");
}
