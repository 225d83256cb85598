//! What the generated tasks draw: lengths, alphabets, balance, and that everything asked for is what it should be.
//! The floors and baselines are worked out anew.

use autograd::IGNORE_INDEX;
use models::session::Session;
use models::tasks::adding::{self, Sum};
use models::tasks::is_held_out;
use models::tasks::{
    Example, anbn, companies, continual, copy, find, letters, order, reber, sine, timing, xor,
};
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The symbols that are read.
fn read(example: &Example) -> Vec<usize> {
    example.iter().map(|step| step.0).collect()
}

/// The symbols that are asked for.
fn asked(example: &Example) -> Vec<usize> {
    example.iter().map(|step| step.1).collect()
}

fn spell(names: &str, symbols: &[usize]) -> String {
    symbols.iter().map(|&symbol| names.as_bytes()[symbol] as char).collect()
}

/// The whole sequence of a task that asks for the next symbol.
fn whole(example: &Example) -> Vec<usize> {
    let (read, asked) = (read(example), asked(example));
    assert_eq!(read[1..], asked[..asked.len() - 1], "the next symbol is asked for");
    [&read[..1], &asked].concat()
}

/// What a task's baseline says without a network: its first number with a decimal point.
fn baseline(task: &str) -> f64 {
    let task = find(task).unwrap();
    let line = Session::new((task.config)(), "").unwrap().task().baseline().unwrap();
    line.split(' ')
        .rev()
        .find_map(|word| word.parse().ok())
        .or_else(|| line.split(' ').find_map(|word| word.parse().ok()))
        .unwrap_or_else(|| panic!("{line}"))
}

/// A recogniser of Reber's embedded grammar that knows nothing of places: it takes a string apart from both ends.
fn is_embedded_reber(string: &str) -> bool {
    let inner = ["T", "P"]
        .into_iter()
        .find_map(|key| string.strip_prefix(&format!("B{key}B"))?.strip_suffix(&format!("E{key}E")));
    inner.is_some_and(|inner| match inner.as_bytes() {
        [b'T', rest @ ..] => upper(rest),
        [b'P', rest @ ..] => lower(rest),
        _ => false,
    })
}

/// S* then X, then either S and nothing more, or X into the lower loop.
fn upper(string: &[u8]) -> bool {
    match string {
        [b'S', rest @ ..] => upper(rest),
        [b'X', b'S'] => true,
        [b'X', b'X', rest @ ..] => lower(rest),
        _ => false,
    }
}

/// T* then V, then either V and nothing more, or P and then, as after X, S or X.
fn lower(string: &[u8]) -> bool {
    match string {
        [b'T', rest @ ..] => lower(rest),
        [b'V', b'V'] | [b'V', b'P', b'S'] => true,
        [b'V', b'P', b'X', rest @ ..] => lower(rest),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_third_bit_is_known(seed: u64) {
        let bits = whole(&xor::draw(&mut rng(seed)));
        prop_assert_eq!(bits.len(), 31);
        prop_assert!(bits.iter().all(|&bit| bit < 2));
        prop_assert!(bits.chunks_exact(3).all(|three| (three[0] + three[1]) % 2 == three[2]));
    }

    #[test]
    fn consonants_have_their_vowels(seed: u64) {
        let example = letters::draw(&mut rng(seed));
        let text = spell(letters::LETTERS, &whole(&example));
        let last = &text[text.len() - 1..];
        let blocks = text.replace("ba", "1").replace("dii", "2").replace("guuu", "3");
        prop_assert!(blocks.len() == 11 && blocks[..10].chars().all(|block| "123".contains(block)), "{}", text);
        prop_assert!("bdg".contains(last));
        // Ten consonants are asked for, each costs ln 3; the vowels cost nothing.
        let floor = 10.0 * 3f64.ln() / example.len() as f64;
        prop_assert!((letters::floor(&[example]) - floor).abs() < 1e-12);
    }

    #[test]
    fn what_is_copied_comes_back_in_order(seed: u64) {
        let example = copy::draw(&mut rng(seed));
        let (read, asked) = (read(&example), asked(&example));
        prop_assert_eq!(example.len(), copy::WAIT + 20);
        prop_assert!(read[..10].iter().all(|&symbol| symbol < 8));
        prop_assert_eq!(&read[..10], &asked[copy::WAIT + 10..]);
        prop_assert!(asked[..copy::WAIT + 10].iter().all(|&symbol| symbol == 8));
        prop_assert_eq!(read.iter().filter(|&&symbol| symbol == 9).count(), 1);
        prop_assert_eq!(read[copy::WAIT + 9], 9);
    }

    #[test]
    fn the_order_of_three_letters_is_the_class(seed: u64) {
        let example = order::draw(&mut rng(seed));
        let text = spell(order::LETTERS, &read(&example));
        prop_assert_eq!(text.len(), 50);
        prop_assert!(text.starts_with('E') && text.ends_with('B'));
        prop_assert!(text[1..49].chars().all(|letter| "abcdXY".contains(letter)));
        let places: Vec<usize> = text.match_indices(['X', 'Y']).map(|(at, _)| at).collect();
        prop_assert!(matches!(places[..], [5..=10, 16..=21, 33..=38]), "{:?}", places);
        let class = places.iter().fold(0, |class, &at| 2 * class + usize::from(&text[at..=at] == "Y"));
        prop_assert_eq!(example[49].1, class);
        prop_assert!(example[..49].iter().all(|step| step.1 == IGNORE_INDEX));
    }

    #[test]
    fn strings_are_of_the_grammar_and_held_out_or_not(seed: u64, held_out: bool) {
        let string = spell(reber::SYMBOLS, &whole(&reber::draw(&mut rng(seed), held_out)));
        prop_assert!(is_embedded_reber(&string), "{}", string);
        prop_assert_eq!(is_held_out(&string), held_out);
    }

    #[test]
    fn streams_are_strings_one_after_the_other(seed: u64, streams in 1usize..4) {
        let random = &mut rng(seed);
        let mut drawn = continual::Streams::new(streams);
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for steps in [1, 30, 70] {
            let (read, asked) = drawn.draw(random, steps);
            inputs.extend(read);
            targets.extend(asked);
        }
        prop_assert_eq!(&inputs[streams..], &targets[..100 * streams]);
        for stream in 0..streams {
            let symbols: Vec<usize> = targets[stream..].iter().step_by(streams).copied().collect();
            let text = spell(reber::SYMBOLS, &symbols);
            // Strings begin with BTB or BPB, and nothing else in them looks so.
            let starts: Vec<usize> = (0..text.len()).filter(|&at| {
                text[at..].starts_with("BTB") || text[at..].starts_with("BPB")
            }).collect();
            prop_assert_eq!(starts[0], 0);
            for pair in starts.windows(2) {
                prop_assert!(is_embedded_reber(&text[pair[0]..pair[1]]), "{}", text);
            }
        }
    }

    #[test]
    fn sums_are_of_one_number_in_each_half(seed: u64) {
        let Sum { read, sum } = Sum::draw(&mut rng(seed));
        prop_assert_eq!(read.len(), 2 * adding::STEPS);
        let marked: Vec<usize> = (0..adding::STEPS).filter(|t| read[2 * t + 1] == 1.0).collect();
        prop_assert!(matches!(marked[..], [0..50, 50..100]), "{:?}", marked);
        prop_assert_eq!(read[2 * marked[0]] + read[2 * marked[1]], sum);
        prop_assert!(read.iter().all(|x| (0.0..=1.0).contains(x)));
        prop_assert_eq!(read.iter().skip(1).step_by(2).sum::<f32>(), 2.0);
    }

    #[test]
    fn sines_are_sines(seed: u64) {
        let points = sine::draw(&mut rng(seed));
        prop_assert_eq!(points.len(), sine::READ + sine::WRITTEN);
        // x_{t+1} + x_{t−1} = 2 cos(ω) x_t: the same factor everywhere, and a period between 10 and 30.
        let at = (1..points.len() - 1).max_by(|&a, &b| points[a].abs().total_cmp(&points[b].abs())).unwrap();
        let factor = (points[at + 1] + points[at - 1]) / points[at];
        prop_assert!(points.windows(3).all(|x| (x[2] + x[0] - factor * x[1]).abs() < 1e-4));
        let period = std::f32::consts::TAU / (factor / 2.0).acos();
        prop_assert!((9.99..30.01).contains(&period), "{}", period);
    }
}

#[test]
fn as_many_b_as_a() {
    for n in 1..=anbn::ASKED {
        let text = spell(anbn::SYMBOLS, &whole(&anbn::example(n)));
        assert_eq!(text, format!("S{}{}.", "a".repeat(n), "b".repeat(n)));
    }
}

#[test]
fn a_spike_at_every_tenth_step() {
    let example = timing::example(3);
    assert!(example.iter().all(|step| step.0 == 0));
    let spikes: Vec<usize> = (0..30).filter(|&t| example[t].1 == 1).collect();
    assert_eq!((example.len(), spikes), (30, vec![9, 19, 29]));
}

/// Every class, symbol and answer is about as frequent as every other.
#[test]
fn what_is_drawn_is_balanced() {
    let random = &mut rng(7);
    let mut counts = [[0f64; 8]; 4];
    const DRAWS: usize = 4000;
    for _ in 0..DRAWS {
        counts[0][order::draw(random)[49].1] += 8.0;
        counts[1][copy::draw(random)[3].0] += 8.0;
        counts[2][letters::draw(random)[0].0] += 3.0;
        counts[3][usize::from(reber::string(random)[1] == 1)] += 2.0;
    }
    for (counts, kinds) in counts.iter().zip([8, 8, 3, 2]) {
        for count in &counts[..kinds] {
            assert!((count / DRAWS as f64 - 1.0).abs() < 0.15, "{counts:?}");
        }
    }
    let mean = (0..DRAWS).map(|_| f64::from(Sum::draw(random).sum)).sum::<f64>() / DRAWS as f64;
    assert!((mean - 1.0).abs() < 0.03, "{mean}");
    let bits: usize = (0..DRAWS).map(|_| xor::draw(random).iter().map(|step| step.0).sum::<usize>()).sum();
    assert!((bits as f64 / (30 * DRAWS) as f64 - 0.5).abs() < 0.01);
}

/// The figures of the literature come out of the generators.
#[test]
fn floors_and_baselines() {
    let random = &mut rng(8);
    assert!((xor::floor() - 2.0 / 3.0 * 2f64.ln()).abs() < 1e-12);
    assert!((baseline("xor") - 0.4621).abs() < 1e-9);
    let examples: Vec<Example> = (0..4000).map(|_| letters::draw(random)).collect();
    assert!((letters::floor(&examples) - 3f64.ln() / 3.0).abs() < 0.002); // 0.366
    assert!((copy::baseline() - 10.0 * 8f64.ln() / (copy::WAIT + 20) as f64).abs() < 1e-12);
    let sums: Vec<Sum> = (0..20_000).map(|_| Sum::draw(random)).collect();
    assert!((adding::baseline(&sums) - 1.0 / 6.0).abs() < 0.005);
    // A tenth of the steps has a spike.
    let entropy = 0.1 * 10f64.ln() + 0.9 * (10f64 / 9.0).ln();
    assert!((timing::baseline() - entropy).abs() < 1e-12);
    // Half a squared sine; a quarter is the variance of 0 and 1.
    assert!((baseline("sine") - 0.5).abs() < 0.02);
    assert_eq!((baseline("companies"), companies::FIFTH), (0.25, [0.0, 1.0]));
    // One of two symbols is drawn at the first T or P and in the grammar; where, the recogniser's rules say.
    let string = "BTBTSXXVVETE";
    let example: Example =
        string.chars().zip(string.chars().skip(1)).map(|(a, b)| (place(a), place(b))).collect();
    assert!(is_embedded_reber(string));
    // Drawn are T, T, S, X, X, V and V; the others are certain.
    assert!((reber::floor(&[example]) - 7.0 * 2f64.ln() / 11.0).abs() < 1e-12);
}

fn place(symbol: char) -> usize {
    reber::SYMBOLS.find(symbol).unwrap()
}

/// A stream goes on after a checkpoint where it was, with the states that were carried.
#[test]
fn a_stream_is_resumed() {
    use models::checkpoint::Checkpoint;
    let task = find("continual").unwrap();
    let config = models::config::Config { hidden: 3, seq: 7, batch: 2, ..(task.config)() };
    let mut whole = Session::new(config, "").unwrap();
    (0..5).for_each(|_| assert!(whole.step().is_ok()));
    let saved = whole.checkpoint().unwrap();
    let mut resumed = Session::resume(Checkpoint::open(&saved).unwrap(), "").unwrap();
    for session in [&mut whole, &mut resumed] {
        (0..5).for_each(|_| assert!(session.step().is_ok()));
    }
    assert_eq!(whole.checkpoint(), resumed.checkpoint());
}
