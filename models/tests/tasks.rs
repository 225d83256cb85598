//! Tasks: what is drawn, what is held out, and that a short training improves.

use models::config::Config;
use models::session::Session;
use models::tasks::dates::{self, Date};
use models::tasks::numbers::{self, NUMBERS, name};
use models::tasks::sentiment::{self, Sentence};
use models::tasks::{ALL, Answer, Exam, Recall, find, is_held_out};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn session(config: Config) -> Session {
    Session::new(config, "").unwrap()
}

fn exam(session: &mut Session) -> Exam {
    session.evaluate().unwrap();
    session.exam().unwrap().clone()
}

#[test]
fn the_list_is_whole() {
    for task in &ALL {
        let config = (task.config)();
        config.check().unwrap();
        assert_eq!((config.task.as_str(), find(task.name).unwrap().name), (task.name, task.name));
        for line in [task.summary, task.source, task.solved, task.measure] {
            assert!(!line.is_empty() && !line.contains('\n'), "{}: {line}", task.name);
        }
    }
    let names: BTreeSet<_> = ALL.iter().map(|task| task.name).collect();
    assert_eq!(names.len(), ALL.len());
}

/// Tasks in which the first steps gain little: first it has to be found out what is worth remembering.
const SLOW: [&str; 3] = ["xor", "order", "recall-100"];

#[test]
fn a_short_training_improves() {
    for task in ALL.iter().filter(|task| !task.takes("text")) {
        let usual = (task.config)();
        let small = Config { hidden: 16, batch: usual.batch.min(16), schedule: "constant".into(), ..usual };
        let mut session = session(Config { lr: 0.01, steps: 40, ..small });
        let before = exam(&mut session);
        while !session.finished() {
            session.step().unwrap();
        }
        let after = exam(&mut session);
        let least = if SLOW.contains(&task.name) { 1.0 } else { 0.99 };
        assert!(after.loss < least * before.loss, "{}: {} → {}", task.name, before.loss, after.loss);
        assert_eq!((before.solved, session.progress().solved), (false, after.solved.then_some(40)));
    }
}

#[test]
fn questions_are_the_same_for_every_seed() {
    for task in ALL.iter().filter(|task| !task.takes("text")) {
        let questions = |seed: u64| {
            let exam = exam(&mut session(Config { seed, hidden: 2, ..(task.config)() }));
            exam.answers.into_iter().map(|a| (a.question, a.expected)).collect::<Vec<_>>()
        };
        assert_eq!(questions(1), questions(2), "{}", task.name);
    }
}

#[test]
fn the_smallest_texts_are_learned_by_heart() {
    for (name, first) in [("hello", ("h", "e")), ("sentence", ("L", "S"))] {
        let task = find(name).unwrap();
        let mut session = session((task.config)());
        while !session.finished() {
            session.step().unwrap();
        }
        let exam = exam(&mut session);
        assert!(exam.solved && exam.right() == Some(1.0), "{name}: {}", exam.loss);
        let Answer { question, expected, found, right } = &exam.answers[0];
        assert_eq!(
            (question.as_str(), expected.as_str(), found.as_str(), *right),
            (first.0, first.1, first.1, true)
        );
        let last = exam.answers.last().unwrap();
        assert_eq!(last.question.clone() + &last.expected, if name == "hello" { "hello" } else { SENTENCE });
        assert_eq!(session.progress().solved, Some((task.config)().steps));
    }
}

const SENTENCE: &str = "LSTM networks are especially useful for sequence prediction problems.";

#[test]
fn an_exam_shows_the_first_answers_and_the_first_wrong_ones() {
    let answer = |n: usize| Answer::new(n.to_string(), "a".into(), if n % 4 == 3 { "b" } else { "a" }.into());
    let exam = Exam { loss: 1.0, answers: (0..100).map(answer).collect(), ..Exam::default() };
    assert_eq!(exam.right(), Some(0.75));
    let shown: Vec<&str> = exam.samples().map(|a| a.question.as_str()).collect();
    assert_eq!(shown, ["0", "1", "2", "3", "4", "7", "11", "15", "19", "23"]);
    assert_eq!(Exam::default().right(), None);
}

#[test]
fn a_calendar() {
    let days: Vec<Date> = (0..Date::DAYS).map(Date::after).collect();
    assert_eq!((days[0].iso(), days[0].weekday), ("1900-01-01".into(), 0));
    let last = days.last().unwrap();
    assert_eq!((last.iso(), last.weekday), ("2099-12-31".into(), 3)); // a Thursday
    for pair in days.windows(2) {
        // Written like this, dates are in order as texts.
        assert!(pair[0].iso() < pair[1].iso());
        assert_eq!(pair[1].weekday, (pair[0].weekday + 1) % 7);
    }
    let all: BTreeSet<String> = days.iter().map(Date::iso).collect();
    assert!(all.contains("2000-02-29") && all.contains("2024-02-29"));
    assert!(!all.contains("1900-02-29") && !all.contains("2023-02-29"));
}

#[test]
fn dates_are_written_in_eight_forms() {
    let date = Date::after(46_345);
    let forms: Vec<String> = (0..Date::FORMS).map(|form| date.write(form)).collect();
    let expected = [
        "21 November 2026",
        "November 21, 2026",
        "21 Nov 2026",
        "Saturday, 21 November 2026",
        "Nov 21st, 2026",
        "21/11/2026",
        "21.11.2026",
        "Sat, November 21st, 2026",
    ];
    assert_eq!(forms, expected);
    let [letters, digits] = dates::alphabets();
    assert_eq!(digits.size(), 11);
    let mut longest = 0;
    for date in (0..Date::DAYS).step_by(3).map(Date::after) {
        digits.encode(&date.iso()).unwrap();
        for form in 0..Date::FORMS {
            longest = longest.max(letters.encode(&date.write(form)).unwrap().len());
        }
    }
    assert_eq!(longest, (find("dates").unwrap().config)().seq);
}

#[test]
fn held_out_is_never_drawn() {
    let rng = &mut rng(1);
    for _ in 0..3000 {
        for held_out in [false, true] {
            assert_eq!(is_held_out(&dates::draw(rng, held_out).1), held_out);
            assert_eq!(is_held_out(&sentiment::draw(rng, held_out).text()), held_out);
        }
    }
    // The questions are the held-out ones, and they are about a tenth of everything.
    for name in ["dates", "sentiment", "numbers"] {
        let config = (find(name).unwrap().config)();
        let exam = exam(&mut session(Config { hidden: 2, ..config }));
        let key = |a: &Answer| if name == "dates" { a.expected.clone() } else { a.question.clone() };
        assert!(exam.answers.iter().all(|a| is_held_out(&key(a))), "{name}");
        assert!(exam.answers.len() >= 900, "{name}");
    }
    let held_out = (0..NUMBERS).filter(|n| is_held_out(&n.to_string())).count();
    let days = (0..Date::DAYS).filter(|&day| is_held_out(&Date::after(day).iso())).count();
    assert!((900..1100).contains(&held_out) && (7000..7600).contains(&days), "{held_out} {days}");
}

#[test]
fn numbers_have_names() {
    let names: BTreeSet<String> = (0..NUMBERS).map(name).collect();
    assert_eq!(names.len(), NUMBERS);
    for (number, expected) in [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (312, "three hundred and twelve"),
        (1000, "one thousand"),
        (2007, "two thousand and seven"),
        (5600, "five thousand six hundred"),
        (9999, "nine thousand nine hundred and ninety-nine"),
    ] {
        assert_eq!(name(number), expected);
    }
    let letters = numbers::alphabet();
    let longest = names.iter().map(|name| letters.encode(name).unwrap().len()).max().unwrap();
    assert_eq!(1 + longest, (find("numbers").unwrap().config)().seq);
}

/// What a sentence means, worked out from its text by someone who knows the words and the grammar.
fn meaning(text: &str) -> usize {
    const GOOD: &str =
        "beautiful brilliant charming clean excellent fine friendly good great lovely pleasant warm";
    let clause = |text: &str| {
        let adjective = text.split(' ').next_back().unwrap();
        usize::from(GOOD.split(' ').any(|good| good == adjective) != text.contains(" not "))
    };
    if let Some((_, main)) = text.split_once(" but ").or_else(|| text.split_once(", but ")) {
        return clause(main);
    }
    for concession in ["although ", "even though "] {
        if let Some(rest) = text.strip_prefix(concession) {
            return clause(rest.split_once(", ").unwrap().1);
        }
        if let Some((main, _)) = text.split_once(&format!(" {concession}")) {
            return clause(main.trim_end_matches(','));
        }
    }
    let (first, second) = text.split_once(" and ").unwrap();
    assert_eq!(clause(first), clause(second), "{text}");
    clause(first)
}

#[test]
fn sentences_mean_what_they_say() {
    let rng = &mut rng(3);
    let (mut longest, mut counts) = (0, BTreeMap::<&str, [f64; 2]>::new());
    for _ in 0..20_000 {
        let sentence = Sentence::draw(rng);
        assert_eq!(sentence.class, meaning(&sentence.text()), "{}", sentence.text());
        longest = longest.max(sentence.words.len());
        sentence.words.iter().for_each(|word| counts.entry(word).or_default()[sentence.class] += 1.0);
    }
    assert_eq!(longest, (find("sentiment").unwrap().config)().seq);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), sentiment::words());
    // Connectives tell nothing of the class, and no adjective tells much.
    for (word, [negative, positive]) in counts {
        let share = positive / (negative + positive);
        assert!((0.2..0.8).contains(&share), "{word}: {share}");
        if ["although", "though", "even", "but", "and", "not", ","].contains(&word) {
            assert!((0.45..0.55).contains(&share), "{word}: {share}");
        }
    }
}

#[test]
fn a_bag_of_words_does_not_understand_although() {
    let line = session((find("sentiment").unwrap().config)()).task().baseline().unwrap();
    let share: f64 = line.split([':', '%']).nth(1).unwrap().trim().parse().unwrap();
    assert!((50.0..75.0).contains(&share), "{line}");
}

#[test]
fn recall_asks_for_its_key() {
    let mut recall = Recall::new(7);
    for length in [None, Some(3), Some(100)] {
        recall.draw(&mut rng(4), length);
        let none = autograd::IGNORE_INDEX;
        for b in 0..7 {
            let steps = recall.inputs.len() / 7;
            let input = |t: usize| recall.inputs[t * 7 + b];
            let query = (0..steps).find(|&t| input(t) == Recall::SYMBOLS - 1).unwrap();
            assert!(length.is_none_or(|length| length == query));
            assert!(input(0) < Recall::KEYS);
            assert!((1..steps).filter(|&t| t != query).all(|t| (Recall::KEYS..20).contains(&input(t))));
            for t in 0..steps {
                assert_eq!(recall.targets[t * 7 + b], if t == query { input(0) } else { none });
            }
        }
    }
}
