//! Literals to JSON. Whatever would have to be run to be known is a fault with its line.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, ExprCall, Number as PythonNumber, Operator, UnaryOp};
use ruff_text_size::{Ranged, TextSize};
use serde_json::{Map, Number, Value};

use super::source::Module;
use crate::{
    domain::{manifest::MAX_VIOLATIONS, pointer},
    error::Violation,
};

/// Depth needs no limit here: [`super::source::parse`] has one.
pub struct Reader<'a> {
    module: &'a Module<'a>,
    lines: &'a mut BTreeMap<String, usize>,
    faults: Vec<Violation>,
}

impl<'a> Reader<'a> {
    pub fn new(module: &'a Module<'a>, lines: &'a mut BTreeMap<String, usize>) -> Self {
        Self { module, lines, faults: Vec::new() }
    }

    pub fn faults(self) -> Vec<Violation> {
        self.faults
    }

    pub fn refuse(&mut self, pointer: &str, at: TextSize, message: &str) {
        if self.faults.len() < MAX_VIOLATIONS {
            self.faults.push(self.module.fault(pointer, at, message));
        }
    }

    pub fn refuse_whole(&mut self, message: &str) {
        self.faults.push(Violation::new("", message));
    }

    /// The value; null where there was a fault.
    pub fn read(&mut self, expr: &Expr, at: &str) -> Value {
        self.lines.insert(at.to_owned(), self.module.line(expr.start()));
        match expr {
            Expr::NoneLiteral(_) => Value::Null,
            Expr::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expr::NumberLiteral(literal) => self.number(&literal.value, false, expr, at),
            Expr::UnaryOp(unary) if matches!(unary.op, UnaryOp::USub | UnaryOp::UAdd) => match unary.operand.as_ref() {
                Expr::NumberLiteral(literal) => self.number(&literal.value, unary.op == UnaryOp::USub, expr, at),
                _ => self.refused(expr, at, "only a number can have a sign here"),
            },
            Expr::Dict(dict) => {
                let mut members = Map::new();
                for item in &dict.items {
                    if let Some((name, value)) = self.member(item.key.as_ref(), &item.value, at) {
                        members.insert(name, value);
                    }
                }
                Value::Object(members)
            }
            Expr::List(list) => self.items(&list.elts, at),
            Expr::Tuple(tuple) => self.items(&tuple.elts, at),
            _ => match text(expr) {
                Ok(text) => Value::String(text),
                Err(fault) => self.refused(fault.expr, at, fault.why),
            },
        }
    }

    fn refused(&mut self, expr: &Expr, at: &str, why: &str) -> Value {
        self.refuse(at, expr.start(), why);
        Value::Null
    }

    fn member(&mut self, key: Option<&Expr>, value: &Expr, at: &str) -> Option<(String, Value)> {
        let Some(key) = key else {
            self.refuse(at, value.start(), "only literals can be read here, not the unpacking of another dictionary");
            return None;
        };
        match text(key) {
            Ok(name) => {
                let mut place = at.to_owned();
                pointer::push(&mut place, &name);
                let value = self.read(value, &place);
                Some((name, value))
            }
            Err(_) => {
                self.refuse(at, key.start(), "has a key that is not a string literal");
                None
            }
        }
    }

    fn items(&mut self, items: &[Expr], at: &str) -> Value {
        items.iter().enumerate().map(|(number, item)| self.read(item, &format!("{at}/{number}"))).collect()
    }

    fn number(&mut self, number: &PythonNumber, negative: bool, expr: &Expr, at: &str) -> Value {
        let value = match number {
            // Beyond 64 bits the parser keeps the digits as they are written, perhaps in another base.
            PythonNumber::Int(int) => int.to_string().replace('_', "").parse::<Number>().ok(),
            PythonNumber::Float(float) => Number::from_f64(*float),
            PythonNumber::Complex { .. } => None,
        };
        let signed = |value: Number| if negative { format!("-{value}").parse().ok() } else { Some(value) };
        match value.and_then(signed) {
            Some(number) => Value::Number(number),
            None => self.refused(expr, at, "is a number that JSON does not have"),
        }
    }
}

/// Why an expression is not a text that can be known without running anything.
struct NotText<'e> {
    expr: &'e Expr,
    why: &'static str,
}

/// String literals, their concatenation, and methods of theirs that always give the same.
fn text(expr: &Expr) -> Result<String, NotText<'_>> {
    // A sum is a chain to the left.
    let (mut parts, mut rest) = (Vec::new(), expr);
    while let Expr::BinOp(sum) = rest
        && sum.op == Operator::Add
    {
        parts.push(part(&sum.right)?);
        rest = &sum.left;
    }
    parts.push(part(rest)?);
    parts.reverse();
    Ok(parts.concat())
}

fn part(expr: &Expr) -> Result<String, NotText<'_>> {
    let refused = |why| Err(NotText { expr, why });
    match expr {
        Expr::StringLiteral(literal) => Ok(literal.value.to_str().to_owned()),
        Expr::BinOp(sum) if sum.op == Operator::Add => text(expr),
        Expr::Call(call) => method(expr, call),
        Expr::FString(_) | Expr::TString(_) => refused("only literals can be read here, not a formatted string"),
        Expr::BytesLiteral(_) => refused("only strings can be read here, not bytes"),
        Expr::Name(_) | Expr::Attribute(_) => refused("only literals can be read here, not a name"),
        Expr::Set(_) => refused("only lists and tuples can be read here, not a set"),
        Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
            refused("only literals can be read here, not a comprehension")
        }
        _ => refused("only literals can be read here, not an expression that would have to be run"),
    }
}

fn method<'e>(expr: &'e Expr, call: &'e ExprCall) -> Result<String, NotText<'e>> {
    let refused = || NotText { expr, why: "only literals can be read here, not a call" };
    let Expr::Attribute(method) = call.func.as_ref() else { return Err(refused()) };
    let given = match (call.arguments.args.as_ref(), call.arguments.keywords.is_empty()) {
        ([], true) => None,
        ([one], true) => Some(text(one).map_err(|_| refused())?),
        _ => return Err(refused()),
    };
    let of = text(&method.value).map_err(|_| refused())?;
    let stripped = |c: char| given.as_ref().map_or_else(|| c.is_whitespace(), |set| set.contains(c));
    Ok(match (method.attr.as_str(), &given) {
        ("strip", _) => of.trim_matches(stripped).to_owned(),
        ("lstrip", _) => of.trim_start_matches(stripped).to_owned(),
        ("rstrip", _) => of.trim_end_matches(stripped).to_owned(),
        ("lower", None) => of.to_lowercase(),
        ("upper", None) => of.to_uppercase(),
        _ => return Err(refused()),
    })
}
