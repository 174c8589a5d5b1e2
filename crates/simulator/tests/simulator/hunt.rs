//! The hunt for a short run without a rule.

use consensus::Rule;
use simulator::hunt::{Search, Shortening, examine, shortest, small_worlds_first};
use simulator::{SearchOptions, why_in_vain};

#[test]
fn a_slice_at_a_time_the_same_is_found() {
    for rule in [Rule::MajorityWins, Rule::CommitByMajority, Rule::OneVotePerTerm] {
        let options = SearchOptions { without: Some(rule), ..SearchOptions::default() };
        let examined = examine(&small_worlds_first(&options), None, |_, _| ());
        let mut search = Search::new(small_worlds_first(&options), 0);
        let (mut slices, mut seeds) = (0, 0);
        while !search.is_over() {
            // It goes on where it is, or another one does.
            match slices % 2 {
                0 => search.advance(1_000),
                _ => search = Search::new(small_worlds_first(&options), seeds),
            }
            (slices, seeds) = (slices + 1, search.examined().seeds);
        }
        let finding = search.examined().finding.as_ref().unwrap();
        assert_eq!(search.examined().seeds_until_found, examined.seeds_until_found, "{rule}");
        assert_eq!(finding.script, examined.finding.unwrap().script, "{rule}");

        let (shortest, effort) = shortest(finding, |_, _| ());
        let mut shortening = Shortening::new(finding);
        let mut slices = 0;
        while !shortening.is_over() {
            let before = shortening.effort().steps;
            shortening.advance(20);
            assert!(shortening.effort().steps >= before && slices < 100_000, "{rule}");
            slices += 1;
        }
        assert!(slices > 10, "{rule}: {slices}");
        assert_eq!(shortening.shortest_so_far(), &shortest.script, "{rule}");
        assert_eq!((&shortening.best().script, shortening.effort()), (&shortest.script, effort), "{rule}");
        assert_eq!(shortening.best().violation, shortest.violation, "{rule}");
    }
}

#[test]
fn without_each_rule_a_short_run_is_found_with_little_effort() {
    for &rule in Rule::ALL.iter().filter(|rule| why_in_vain(**rule).is_none()) {
        let options = SearchOptions { without: Some(rule), ..SearchOptions::default() };
        let examined = examine(&small_worlds_first(&options), None, |_, _| ());
        let found = examined.finding.unwrap_or_else(|| panic!("nothing breaks without {rule}"));
        assert!(examined.coverage.steps < 3_000_000, "{rule}: {} to find it", examined.coverage.steps);
        let (shortest, effort) = shortest(&found, |_, _| ());
        assert!(effort.steps < 4_000_000, "{rule}: {effort:?} to shrink it");
        assert!(shortest.script.actions.len() <= 100, "{rule}: {} steps", shortest.script.actions.len());
    }
}
