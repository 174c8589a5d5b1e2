//! An answer as a small expression, as in `candidate.term > own.term || candidate.index >= own.index`.

use crate::substitute::{Condition, Question};
use consensus::event::Verdict;
use consensus::{Index, LogPosition, Term};
use std::fmt;

/// Maximum length of an expression, in characters. It also bounds how deep its parts are in one another.
const LONGEST: usize = 1_000;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)
    }
}

impl std::error::Error for Mistake {}

/// Makes answers about this condition of an expression. See [`Substitute::in_words`].
pub(crate) fn parse(
    condition: Condition,
    text: &str,
) -> Result<impl Fn(&Question) -> Result<Verdict, String> + Send + Sync + use<>, Mistake> {
    if text.chars().nth(LONGEST).is_some() {
        let what = format!("an expression has at most {LONGEST} characters");
        return Err(Mistake { column: LONGEST + 1, what });
    }
    let wanted = if condition == Condition::CommitOfFollower { Kind::Number } else { Kind::Bool };
    let mut parser = Parser { text, tokens: tokens(text)?, place: 0, names: names(condition), depth: 0 };
    let (expression, kind) = parser.or()?;
    if let Some(token) = parser.tokens.get(parser.place) {
        return Err(token.is_wrong("an operator, or the end"));
    }
    if kind != wanted {
        return Err(Mistake { column: 1, what: format!("the answer must be {wanted}, and this is {kind}") });
    }
    Ok(move |question: &Question| answer(&expression, question))
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Bool(bool),
    /// A number, or none.
    Number(Option<u64>),
}

/// What an expression is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Number,
    /// A number or none.
    Maybe,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Bool => "true or false",
            Kind::Number => "a number",
            Kind::Maybe => "a number or none",
        })
    }
}

fn names(condition: Condition) -> &'static [(&'static str, Kind)] {
    match condition {
        Condition::IsUpToDate => &[
            ("candidate.index", Kind::Number),
            ("candidate.term", Kind::Number),
            ("own.index", Kind::Number),
            ("own.term", Kind::Number),
        ],
        Condition::MayVote => &[("voted_for", Kind::Maybe), ("candidate", Kind::Number)],
        Condition::RestartsTimer => &[("granted", Kind::Bool)],
        Condition::Fits => &[("prev.index", Kind::Number), ("prev.term", Kind::Number), ("own", Kind::Maybe)],
        Condition::FirstConflict => &[("own", Kind::Maybe), ("new", Kind::Number)],
        Condition::CommitOfFollower => {
            &[("leader_commit", Kind::Number), ("last_new", Kind::Number), ("last", Kind::Number)]
        }
        Condition::ReachedByMajority => &[("count", Kind::Number), ("voters", Kind::Number)],
        Condition::MayCommit => &[("entry", Kind::Number), ("current", Kind::Number)],
    }
}

/// The values of the names, in the order of [`names`].
fn answer(expression: &Expression, question: &Question) -> Result<Verdict, String> {
    let number = |number: u64| Value::Number(Some(number));
    let is_true = |values: &[Value]| Ok(expression.value(values)? == Value::Bool(true));
    let bool = |values: &[Value]| is_true(values).map(Verdict::Bool);
    match question {
        Question::IsUpToDate { candidate, own } => {
            let LogPosition { index, term } = candidate;
            bool(&[number(index.0), number(term.0), number(own.index.0), number(own.term.0)])
        }
        Question::MayVote { voted_for, candidate } => {
            bool(&[Value::Number(voted_for.map(|id| id.0)), number(candidate.0)])
        }
        Question::RestartsTimer { granted } => bool(&[Value::Bool(*granted)]),
        Question::Fits { prev, own } => {
            bool(&[number(prev.index.0), number(prev.term.0), Value::Number(own.map(|term| term.0))])
        }
        Question::FirstConflict { own, new } => {
            for (place, Term(new)) in new.iter().enumerate() {
                let own = own.get(place).map(|term| term.0);
                if is_true(&[Value::Number(own), number(*new)])? {
                    return Ok(Verdict::Place(Some(place)));
                }
            }
            Ok(Verdict::Place(None))
        }
        Question::CommitOfFollower { leader_commit, last_new, last } => {
            let values = [number(leader_commit.0), number(last_new.0), number(last.0)];
            match expression.value(&values)? {
                Value::Number(Some(index)) => Ok(Verdict::Index(Index(index))),
                _ => unreachable!("the answer's kind was checked"),
            }
        }
        Question::ReachedByMajority { reached } => {
            let mut highest = Index(0);
            for &index in reached {
                let count = reached.iter().filter(|other| **other >= index).count();
                if index > highest && is_true(&[number(count as u64), number(reached.len() as u64)])? {
                    highest = index;
                }
            }
            Ok(Verdict::Index(highest))
        }
        Question::MayCommit { entry, current } => bool(&[number(entry.0), number(current.0)]),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Value(Value),
    /// The name at this place.
    Name(usize),
    Not(Box<Expression>),
    Two(Operator, Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Min,
    Max,
}

impl Expression {
    fn value(&self, names: &[Value]) -> Result<Value, String> {
        Ok(match self {
            Expression::Value(value) => *value,
            Expression::Name(place) => names[*place],
            Expression::Not(inner) => Value::Bool(inner.value(names)? == Value::Bool(false)),
            Expression::Two(Operator::Or, one, other) => match one.value(names)? {
                Value::Bool(false) => other.value(names)?,
                decided => decided,
            },
            Expression::Two(Operator::And, one, other) => match one.value(names)? {
                Value::Bool(true) => other.value(names)?,
                decided => decided,
            },
            Expression::Two(operator, one, other) => {
                operator.apply(one.value(names)?, other.value(names)?)?
            }
        })
    }
}

impl Operator {
    fn apply(self, one: Value, other: Value) -> Result<Value, String> {
        match self {
            Operator::Equal => return Ok(Value::Bool(one == other)),
            Operator::NotEqual => return Ok(Value::Bool(one != other)),
            _ => {}
        }
        let (Value::Number(Some(one)), Value::Number(Some(other))) = (one, other) else {
            unreachable!("the parser checks the kinds");
        };
        let number = |number: u64| Value::Number(Some(number));
        Ok(match self {
            Operator::Less => Value::Bool(one < other),
            Operator::LessOrEqual => Value::Bool(one <= other),
            Operator::More => Value::Bool(one > other),
            Operator::MoreOrEqual => Value::Bool(one >= other),
            Operator::Plus => number(one.saturating_add(other)),
            Operator::Minus => {
                number(one.checked_sub(other).ok_or_else(|| format!("{one} - {other} is below zero"))?)
            }
            Operator::Times => number(one.saturating_mul(other)),
            Operator::Divided => {
                number(one.checked_div(other).ok_or_else(|| format!("{one} is divided by zero"))?)
            }
            Operator::Min => number(one.min(other)),
            Operator::Max => number(one.max(other)),
            Operator::Or | Operator::And | Operator::Equal | Operator::NotEqual => {
                unreachable!("these are answered before")
            }
        })
    }
}

/// A word or sign of the text.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    column: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is_wrong(&self, expected: &str) -> Mistake {
        let what = format!("expected {expected}, found `{}`", self.text);
        Mistake { column: self.column, what }
    }
}

const SIGNS: [&str; 16] =
    ["||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Mistake> {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let mut tokens = Vec::new();
    let (mut rest, mut column) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
        let length = match sign {
            Some(sign) => sign.len(),
            None if first.is_whitespace() => first.len_utf8(),
            None => rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len()),
        };
        if length == 0 {
            let what = match first {
                '=' => "to compare, write ==".to_owned(),
                '|' => "or is written ||".to_owned(),
                '&' => "and is written &&".to_owned(),
                other => format!("`{}` means nothing here", other.escape_default()),
            };
            return Err(Mistake { column, what });
        }
        let (text, after) = rest.split_at(length);
        if !first.is_whitespace() {
            tokens.push(Token { column, text });
        }
        column += text.chars().count();
        rest = after;
    }
    Ok(tokens)
}

/// Maximum depth of parentheses and signs in one another.
const DEEPEST: usize = 100;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    place: usize,
    names: &'static [(&'static str, Kind)],
    depth: usize,
}

type Parsed = Result<(Expression, Kind), Mistake>;

impl<'a> Parser<'a> {
    fn or(&mut self) -> Parsed {
        self.chain(&[("||", Operator::Or)], Parser::and)
    }

    fn and(&mut self) -> Parsed {
        self.chain(&[("&&", Operator::And)], Parser::comparison)
    }

    fn comparison(&mut self) -> Parsed {
        let (one, kind) = self.sum()?;
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::MoreOrEqual),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let Some((operator, token)) = self.take(&operators) else { return Ok((one, kind)) };
        let (other, other_kind) = self.sum()?;
        let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let kinds = [kind, other_kind];
        let fits = match kinds {
            [Kind::Number, Kind::Number] => true,
            [Kind::Bool, Kind::Bool] => is_equality,
            [Kind::Bool, _] | [_, Kind::Bool] => false,
            _ => is_equality,
        };
        if !fits {
            let may_be_none = !kinds.contains(&Kind::Bool);
            let hint =
                if may_be_none { ": what may be none can only be compared with == and !=" } else { "" };
            let what = format!("{kind} can't be compared with {other_kind} by {}{hint}", token.text);
            return Err(Mistake { column: token.column, what });
        }
        Ok((Expression::Two(operator, one.into(), other.into()), Kind::Bool))
    }

    fn sum(&mut self) -> Parsed {
        self.chain(&[("+", Operator::Plus), ("-", Operator::Minus)], Parser::product)
    }

    fn product(&mut self) -> Parsed {
        self.chain(&[("*", Operator::Times), ("/", Operator::Divided)], Parser::atom)
    }

    /// Operands with such operators between them, from left to right.
    fn chain(&mut self, operators: &[(&str, Operator)], operand: fn(&mut Parser<'a>) -> Parsed) -> Parsed {
        let (mut one, mut kind) = operand(self)?;
        while let Some((operator, token)) = self.take(operators) {
            let needed = match operator {
                Operator::Or | Operator::And => Kind::Bool,
                _ => Kind::Number,
            };
            let (other, other_kind) = operand(self)?;
            if let Some(wrong) = [kind, other_kind].into_iter().find(|kind| *kind != needed) {
                let what = format!("{} needs {needed} on both sides, and one is {wrong}", token.text);
                return Err(Mistake { column: token.column, what });
            }
            one = Expression::Two(operator, one.into(), other.into());
            kind = needed;
        }
        Ok((one, kind))
    }

    fn atom(&mut self) -> Parsed {
        let token = self.next("a name, a number or (")?;
        self.depth += 1;
        if self.depth > DEEPEST {
            let what = format!("more than {DEEPEST} parentheses and signs are in one another");
            return Err(Mistake { column: token.column, what });
        }
        let parsed = self.atom_of(token);
        self.depth -= 1;
        parsed
    }

    fn atom_of(&mut self, token: Token<'a>) -> Parsed {
        match token.text {
            "(" => {
                let inner = self.or()?;
                self.expect(")")?;
                Ok(inner)
            }
            "!" => match self.atom()? {
                (inner, Kind::Bool) => Ok((Expression::Not(inner.into()), Kind::Bool)),
                (_, kind) => {
                    let what = format!("! needs true or false, and this is {kind}");
                    Err(Mistake { column: token.column, what })
                }
            },
            "true" | "false" => Ok((Expression::Value(Value::Bool(token.text == "true")), Kind::Bool)),
            "none" => Ok((Expression::Value(Value::Number(None)), Kind::Maybe)),
            "min" => self.call(Operator::Min, token),
            "max" => self.call(Operator::Max, token),
            text if text.starts_with(|letter: char| letter.is_ascii_digit()) => {
                let number = text.parse().map_err(|_| token.is_wrong("a whole number"))?;
                Ok((Expression::Value(Value::Number(Some(number))), Kind::Number))
            }
            text => match self.names.iter().position(|(name, _)| *name == text) {
                Some(place) => Ok((Expression::Name(place), self.names[place].1)),
                None => {
                    let names: Vec<&str> = self.names.iter().map(|(name, _)| *name).collect();
                    let known = names.join(", ");
                    let what =
                        format!("there is no name `{text}` here: there are {known}, true, false and none");
                    Err(Mistake { column: token.column, what })
                }
            },
        }
    }

    /// `min(a, b)`
    fn call(&mut self, operator: Operator, token: Token<'a>) -> Parsed {
        self.expect("(")?;
        let (one, kind) = self.or()?;
        self.expect(",")?;
        let (other, other_kind) = self.or()?;
        self.expect(")")?;
        if [kind, other_kind] != [Kind::Number; 2] {
            let what = format!("{} needs two numbers", token.text);
            return Err(Mistake { column: token.column, what });
        }
        Ok((Expression::Two(operator, one.into(), other.into()), Kind::Number))
    }

    fn next(&mut self, expected: &str) -> Result<Token<'a>, Mistake> {
        let end = || Mistake {
            column: self.text.chars().count() + 1,
            what: format!("expected {expected}, and here it ends"),
        };
        let token = self.tokens.get(self.place).copied().ok_or_else(end)?;
        self.place += 1;
        Ok(token)
    }

    fn expect(&mut self, text: &str) -> Result<(), Mistake> {
        let token = self.next(text)?;
        if token.text == text { Ok(()) } else { Err(token.is_wrong(text)) }
    }

    /// The next token, if it is one of these operators.
    fn take(&mut self, operators: &[(&str, Operator)]) -> Option<(Operator, Token<'a>)> {
        let token = *self.tokens.get(self.place)?;
        let (_, operator) = operators.iter().find(|(text, _)| *text == token.text)?;
        self.place += 1;
        Some((*operator, token))
    }
}
