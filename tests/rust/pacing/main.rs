//! The pacer against servers drawn at random, in virtual time, beside what people use instead.
//!
//! `SIM_SEED` draws other servers, `SIM_SERVERS` more of them. `docs/pacing.md` tells the method.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod clients;
mod run;
mod server;

use clients::{AimdConcurrency, Cubic, DocumentedLoop, FixedConcurrency, Ours, Workers};
use run::{Client, Figures, count, run};
use server::{Counting, Spec};

type Make = fn(u64) -> Box<dyn Client>;

const CLIENTS: [(&str, Make); 5] = [
    ("the API page's loop", |_| Box::new(DocumentedLoop::new())),
    ("16 workers with back-off", |seed| Box::new(FixedConcurrency::new(16, seed))),
    ("AIMD concurrency", |_| Box::new(AimdConcurrency::new())),
    ("cubic, 64 in flight", |_| Box::new(Cubic::new())),
    ("this pacer", |seed| Box::new(Ours::new(seed))),
];

/// Servers that were not used to choose the pacer's numbers.
const UNSEEN: u64 = 20_261_124;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn seed() -> u64 {
    number("SIM_SEED").unwrap_or(UNSEEN)
}

fn servers() -> Vec<Spec> {
    let mut random = fastrand::Rng::with_seed(seed());
    (0..number("SIM_SERVERS").unwrap_or(150)).map(|_| Spec::draw(&mut random)).collect()
}

fn runs(make: Make) -> Vec<Figures> {
    (0..).zip(servers()).map(|(index, spec)| run(&spec, &mut *make(index), seed() ^ index)).collect()
}

/// Returns the value below which this share of the figures lies.
fn quantile(figures: &[Figures], share: f64, value: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn row(name: &str, figures: &[Figures]) -> String {
    let q = |share, value: fn(&Figures) -> f64| quantile(figures, share, value);
    let time = |seconds: f64| if seconds.is_finite() { format!("{seconds:.1} s") } else { "never".to_owned() };
    format!(
        "| {name} | {} / {} | {:.2} / {:.2} | {:.2} / {:.2} / {:.2} | {:.1} / {:.0} | {:.0} / {:.0} |",
        time(q(0.5, |f| f.t90)),
        time(q(0.9, |f| f.t90)),
        q(0.5, |f| f.first),
        q(0.1, |f| f.first),
        q(0.5, |f| f.steady),
        q(0.1, |f| f.steady),
        q(0.0, |f| f.steady),
        q(0.5, |f| f.per_thousand),
        q(0.9, |f| f.per_thousand),
        q(0.9, |f| f64::from(f.longest_run)),
        q(0.9, |f| f64::from(f.longest_hammering)),
    )
}

/// Runs nine times against one server, whatever `SIM_SEED` says: chance is in its latencies only.
fn typical(limits: &[(f64, f64)], counting: Counting) -> Vec<Figures> {
    (1..=9).map(|seed| run(&Spec::typical(limits, counting, false), &mut Ours::new(seed), seed)).collect()
}

#[test]
fn keeps_near_the_limit_of_servers_it_has_never_seen_without_hammering_them() {
    println!("seed {}: {} servers\n", seed(), servers().len());
    println!(
        "| client | t90 median / p90 | first 30 s median / p10 | after 60 s median / p10 / worst | 429 per 1,000 median / p90 | longest run p90 / sent knowingly |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, make) in &CLIENTS[..4] {
        println!("{}", row(name, &runs(*make)));
    }
    let ours = runs(CLIENTS[4].1);
    println!("{}", row(CLIENTS[4].0, &ours));
    let q = |share, value: fn(&Figures) -> f64| quantile(&ours, share, value);
    // G1: how soon.
    assert!(q(0.5, |f| f.t90) <= 4.0 && q(0.9, |f| f.t90) <= 20.0);
    // G2: how much in the first 30 s.
    assert!(q(0.5, |f| f.first) >= 0.88 && q(0.1, |f| f.first) >= 0.68);
    // G3: how much later.
    assert!(q(0.5, |f| f.steady) >= 0.97 && q(0.1, |f| f.steady) >= 0.90 && q(0.0, |f| f.steady) >= 0.75);
    // G4: at what price.
    assert!(q(0.5, |f| f.per_thousand) <= 10.0 && q(0.9, |f| f.per_thousand) <= 50.0);
    // G6: calls that were refused in a row, and were sent although the client knew of a refusal.
    assert!(q(0.9, |f| f64::from(f.longest_hammering)) <= 12.0);
    // G9: none before Retry-After has passed.
    assert!(ours.iter().all(|figures| figures.too_early == 0));
}

#[test]
fn refusals_of_a_bucket_come_one_at_a_time() {
    // G5 and the second half of G6.
    for (limit, burst, most) in [(50.0, 50.0, 5.0), (100.0, 5.0, 2.0)] {
        let figures = typical(&[(0.0, limit)], Counting::Bucket { burst });
        let per_thousand = quantile(&figures, 0.5, |f| f.per_thousand);
        let longest_run = quantile(&figures, 1.0, |f| f64::from(f.longest_run));
        println!("bucket {limit}/s, burst {burst}: {per_thousand:.1} per 1,000, longest run {longest_run}");
        assert!(per_thousand <= most && longest_run <= 2.0);
    }
}

#[test]
fn servers_with_names_are_shown_beside_a_cubic_client() {
    let bucket = |limit, burst| (vec![(0.0, limit)], Counting::Bucket { burst });
    let window = |calls: f64, seconds: f64| (vec![(0.0, calls / seconds)], Counting::Window { seconds, offset: 0.0 });
    let servers = [
        ("bucket 10/s, burst 10", bucket(10.0, 10.0), false),
        ("bucket 50/s, burst 50", bucket(50.0, 50.0), false),
        ("bucket 100/s, burst 5", bucket(100.0, 5.0), false),
        ("window 100 per 10 s, Retry-After", window(100.0, 10.0), true),
        ("window 3,000 per 60 s, Retry-After", window(3000.0, 60.0), true),
        ("window 600 per 60 s", window(600.0, 60.0), false),
    ];
    println!("| server | this pacer: share, 429 per 1,000, longest run | cubic |");
    println!("|---|---|---|");
    for (name, (limits, counting), sends_retry_after) in servers {
        let spec = Spec::typical(&limits, counting, sends_retry_after);
        let ours = run(&spec, &mut Ours::new(1), 1);
        let cubic = run(&spec, &mut Cubic::new(), 1);
        let shown = |f: &Figures| format!("{:.2}, {:.1}, {}", f.steady, f.per_thousand, f.longest_run);
        println!("| {name} | {} | {} |", shown(&ours), shown(&cubic));
        assert!(ours.steady >= 0.9 && ours.per_thousand <= cubic.per_thousand + 10.0, "{name}");
    }
}

#[test]
fn a_limit_that_falls_or_rises_is_found_again() {
    // G7.
    let fallen = typical(&[(0.0, 50.0), (60.0, 20.0)], Counting::Bucket { burst: 50.0 });
    let refused = quantile(&fallen, 1.0, |f| count(&f.refused, 60.0, 70.0));
    println!("50 to 20/s: at most {refused} refusals in the next 10 s");
    assert!(refused <= 10.0);
    // G8.
    let risen = typical(&[(0.0, 20.0), (60.0, 80.0)], Counting::Bucket { burst: 20.0 });
    let found = |f: &Figures| {
        let mut steps = (0..400).map(|step| f64::from(step) * 0.5);
        let is_there = |after: &f64| count(&f.accepted, 60.0 + after, 64.0 + after) >= 0.9 * 4.0 * 80.0;
        steps.find(is_there).unwrap_or(f64::INFINITY)
    };
    let (median, worst) = (quantile(&risen, 0.5, found), quantile(&risen, 1.0, found));
    println!("20 to 80/s: 90 % of it after {median} s, at most {worst} s");
    assert!(median <= 30.0 && worst <= 40.0);
}

#[test]
fn a_server_that_queues_is_not_flooded() {
    let figures = typical(&[(0.0, 50.0)], Counting::Queue);
    let (share, longest) = (quantile(&figures, 0.5, |f| f.steady), quantile(&figures, 1.0, |f| f.longest_queue));
    println!("queue 50/s: {share:.2} of the limit, longest wait {longest:.2} s");
    assert!(share >= 0.85 && longest <= 3.0);
}

#[test]
fn four_workers_on_one_key_are_refused_no_more_than_one_if_they_share_its_pace() {
    // G13.
    let refusals = |figures: &[Figures]| quantile(figures, 0.5, |f| f.per_thousand);
    let shared = runs(|seed| Box::new(Workers::sharing(4, seed)));
    let alone = runs(|seed| Box::new(Workers::alone(4, seed)));
    println!("{}", row("4 workers, one pace", &shared));
    println!("{}", row("4 workers, each alone", &alone));
    let one = runs(CLIENTS[4].1);
    assert!(refusals(&shared) <= 1.5 * refusals(&one), "{} against {}", refusals(&shared), refusals(&one));
    // Without it they are refused more, and still neither starve nor hammer.
    assert!(refusals(&alone) <= 100.0);
    assert!(quantile(&alone, 0.5, |f| f.steady) >= 0.9);
    assert!(quantile(&alone, 0.9, |f| f64::from(f.longest_hammering)) <= 50.0);
}

#[test]
fn the_simulator_itself_counts_what_it_should() {
    // A loop that sends 1 / (0.2 + 0.1) calls a second gets just that through, and nothing is refused.
    let spec = Spec { jitter: 0.0, ..Spec::typical(&[(0.0, 100.0)], Counting::Bucket { burst: 10.0 }, false) };
    let figures = run(&spec, &mut DocumentedLoop::new(), 1);
    assert!((figures.steady * 100.0 - 10.0 / 3.0).abs() < 0.02, "{}", figures.steady);
    assert_eq!((figures.per_thousand, figures.t90), (0.0, f64::INFINITY));
    // A server of 1/s refuses two of three such calls.
    let narrow = Spec { limits: vec![(0.0, 1.0)], counting: Counting::Bucket { burst: 1.0 }, ..spec };
    let figures = run(&narrow, &mut DocumentedLoop::new(), 1);
    assert!((0.8..=1.0).contains(&figures.steady), "{}", figures.steady);
    assert!(figures.per_thousand > 2_000.0 && figures.longest_run >= 2);
}
