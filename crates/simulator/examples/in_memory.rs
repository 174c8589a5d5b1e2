//! A bank, replicated, and tested in simulated worlds: `cargo run --example in_memory`, or `cargo test --example in_memory`.
//!
//! What such a test needs is at the end of this file, in `mod tests`. `main` plays one run, and prints what happens in it.

extern crate raft_for_beginners_simulator as simulator;

use consensus::Index;
use driver::{SmallState, Whole};
use simulator::{Action, Failure, Random, Simulation, Unsynced};
use std::fmt;

/// The number of accounts, and what is in each at the beginning.
const ACCOUNTS: usize = 4;
const COINS: u64 = 100;

/// The state that is replicated: how many coins are in which account.
#[derive(Debug, Clone, PartialEq)]
struct Bank {
    accounts: [u64; ACCOUNTS],
}

/// A command: coins go from one account to another.
#[derive(Debug, Clone, Copy)]
struct Transfer {
    coins: u64,
    from: usize,
    to: usize,
}

/// What a client hears of its transfer.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Done,
    TooFewCoins,
    /// The command is not a transfer between two accounts of this bank.
    Nonsense,
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.coins, self.from, self.to)
    }
}

impl Transfer {
    fn parse(command: &[u8]) -> Option<Transfer> {
        let (coins, accounts) = str::from_utf8(command).ok()?.split_once(" from ")?;
        let (from, to) = accounts.split_once(" to ")?;
        let account = |text: &str| text.parse().ok().filter(|account| *account < ACCOUNTS);
        let (from, to) = (account(from)?, account(to)?);
        Some(Transfer { coins: coins.parse().ok()?, from, to })
    }

    fn draw(random: &mut Random) -> Transfer {
        let mut account = || random.below(ACCOUNTS as u64) as usize;
        let (from, to) = (account(), account());
        Transfer { coins: random.below(70), from, to }
    }
}

impl Default for Bank {
    fn default() -> Bank {
        Bank { accounts: [COINS; ACCOUNTS] }
    }
}

impl SmallState for Bank {
    type Answer = Answer;

    fn apply(&mut self, _at: Index, command: &[u8]) -> Answer {
        let Some(Transfer { coins, from, to }) = Transfer::parse(command) else { return Answer::Nonsense };
        if coins > self.accounts[from] {
            return Answer::TooFewCoins;
        }
        self.accounts[from] -= coins;
        self.accounts[to] += coins;
        Answer::Done
    }

    fn save(&self) -> Vec<u8> {
        self.accounts.iter().flat_map(|coins| coins.to_le_bytes()).collect()
    }

    fn load(bytes: &[u8]) -> Option<Bank> {
        let (accounts, rest) = bytes.as_chunks();
        let accounts: Vec<u64> = accounts.iter().map(|coins| u64::from_le_bytes(*coins)).collect();
        let is_whole =
            rest.is_empty() && accounts.iter().try_fold(0u64, |sum, coins| sum.checked_add(*coins)).is_some();
        is_whole.then(|| accounts.try_into().ok().map(|accounts| Bank { accounts }))?
    }
}

/// Clusters of which every server runs the bank.
fn simulation() -> Simulation<Whole<Bank>> {
    Simulation::<Whole<Bank>>::new().invariant("coins are neither made nor lost", |banks| {
        for (server, Whole(bank)) in banks {
            let coins: u64 = bank.accounts.iter().sum();
            if coins != COINS * ACCOUNTS as u64 {
                return Err(format!("on {server} there are {coins} coins: {:?}", bank.accounts));
            }
        }
        Ok(())
    })
}

fn main() -> Result<(), Failure> {
    let mut cluster = simulation().servers(3).start(1);
    let leader = cluster.run_until_led()?;
    cluster.write("30 from 0 to 1")?;
    cluster.perform(Action::Crash(leader, Unsynced::Lost))?;
    cluster.write("50 from 1 to 2")?;
    print!("{}", cluster.story());
    println!("\nIn the end: {:?}", cluster.read(|Whole(bank)| bank.accounts)?);

    let tried = simulation().for_seeds(0..200, |random| Transfer::draw(random).to_string().into_bytes())?;
    println!(
        "\n200 random runs: {} elections, {} power cuts, nothing broken",
        tried.elections, tried.faults["power cuts"]
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use driver::WriteOutcome;

    #[test]
    fn a_transfer_survives_the_leader() -> Result<(), Failure> {
        let mut cluster = simulation().servers(3).start(1);
        let leader = cluster.run_until_led()?;
        assert_eq!(cluster.write("30 from 0 to 1")?, Answer::Done);
        cluster.perform(Action::Crash(leader, Unsynced::Lost))?;
        assert_eq!(cluster.read(|Whole(bank)| bank.accounts)?, [70, 130, 100, 100]);
        assert_eq!(cluster.write("71 from 0 to 1")?, Answer::TooFewCoins);
        cluster.perform(Action::Restart(leader))?;
        cluster
            .run_until(|cluster| cluster.machine(leader).is_some_and(|Whole(bank)| bank.accounts[1] == 130))
    }

    #[test]
    fn a_leader_that_is_cut_off_confirms_nothing() -> Result<(), Failure> {
        let mut cluster = simulation().servers(5).start(1);
        let leader = cluster.run_until_led()?;
        cluster.perform(Action::Partition(vec![leader]))?;
        let lost = cluster.propose(leader, "100 from 0 to 1")?;
        cluster.run_until(|cluster| cluster.leader() != Some(leader))?;
        assert_eq!(cluster.write("100 from 0 to 3")?, Answer::Done);
        assert_eq!(cluster.outcome(lost), None);
        cluster.perform(Action::Heal)?;
        cluster.run_until(|cluster| cluster.outcome(lost).is_some())?;
        assert_eq!(cluster.outcome(lost), Some(&WriteOutcome::Replaced));
        Ok(())
    }

    #[test]
    fn no_coin_is_made_or_lost_whatever_fails() -> Result<(), Failure> {
        let tried =
            simulation().for_seeds(0..200, |random| Transfer::draw(random).to_string().into_bytes())?;
        assert!(tried.faults["power cuts"] > 0 && tried.faults["snapshots requested"] > 0, "{tried:?}");
        Ok(())
    }

    #[test]
    fn only_whole_banks_are_loaded() {
        let bank = Bank { accounts: [1, 2, 3, u64::MAX - 6] };
        assert_eq!(Bank::load(&bank.save()), Some(bank.clone()));
        assert_eq!(Bank::load(&bank.save()[1..]), None);
        assert_eq!(Bank::load(&[0xff; 32]), None);
    }
}
