//! From Python's text to the expressions that a plugin's data are: the limits that keep parsing harmless, the parser, and
//! the search for assignments.

use std::collections::BTreeMap;

use ruff_python_ast::{
    Expr, Stmt, StmtClassDef, StmtFunctionDef,
    statement_visitor::{StatementVisitor, walk_stmt},
    token::TokenKind,
};
use ruff_python_parser::{Mode, Parsed, lexer, parse_module};
use ruff_text_size::{Ranged, TextSize};
use serde_json::{Map, Value};

use super::literal::Reader;
use crate::{
    domain::manifest::{MAX_MANIFEST, MAX_VIOLATIONS},
    error::Violation,
};

/// Brackets inside each other, and indented blocks.
const MAX_NESTING: usize = 64;
/// Tokens of one expression that no comma divides: each can put the tree one level deeper, and trees are walked and
/// dropped by recursion.
const MAX_CHAIN: usize = 2000;
/// Methods that change a dictionary or list in place.
const CHANGING: &[&str] =
    &["append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update", "__setitem__"];

/// The file as a syntax tree, with its text for counting lines.
pub struct Module<'a> {
    text: &'a str,
    tree: Parsed<ruff_python_ast::ModModule>,
}

impl Module<'_> {
    /// Counted from 1.
    pub fn line(&self, at: TextSize) -> usize {
        self.text.get(..at.to_usize()).map_or(1, |before| before.matches('\n').count() + 1)
    }

    /// A fault with its line.
    pub fn fault(&self, pointer: impl Into<String>, at: TextSize, message: &str) -> Violation {
        Violation::new(pointer, format!("line {}: {message}", self.line(at)))
    }
}

pub fn parse(bytes: &[u8]) -> Result<Module<'_>, Vec<Violation>> {
    let refused = |message: String| vec![Violation::new("", message)];
    if bytes.len() > MAX_MANIFEST {
        return Err(refused(format!("lifecycle_manager.py has {} bytes; the limit is {MAX_MANIFEST}", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| refused(format!("lifecycle_manager.py is not UTF-8: {e}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_depth(text).map_err(refused)?;
    let tree = parse_module(text).map_err(|e| {
        let line = text.get(..e.location.start().to_usize()).map_or(1, |before| before.matches('\n').count() + 1);
        refused(format!("lifecycle_manager.py is not Python: line {line}: {}", e.error))
    })?;
    Ok(Module { text, tree })
}

/// Bounds the depth of the tree before there is one. The lexer works without recursion.
fn check_depth(text: &str) -> Result<(), String> {
    let mut lexer = lexer::lex(text, Mode::Module);
    let (mut blocks, mut chain) = (0_usize, 0_usize);
    // What the chain was before each open bracket, and what it may fall back to at a comma.
    let mut open: Vec<(usize, usize)> = Vec::new();
    loop {
        let base = open.last().map_or(0, |(_, base)| *base);
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                open.push((chain, chain + 1));
                chain += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                let before = open.pop().map_or(0, |(before, _)| before);
                chain = before + 1;
            }
            TokenKind::Comma => chain = base,
            TokenKind::Newline => {
                open.clear();
                chain = 0;
            }
            TokenKind::NonLogicalNewline | TokenKind::Comment => {}
            TokenKind::Indent => blocks += 1,
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            _ => chain += 1,
        }
        if blocks > MAX_NESTING || open.len() > MAX_NESTING {
            return Err(format!("lifecycle_manager.py nests brackets or blocks deeper than {MAX_NESTING} levels"));
        }
        if chain > MAX_CHAIN {
            return Err(format!("lifecycle_manager.py has an expression of more than {MAX_CHAIN} tokens without a comma"));
        }
    }
}

/// What an assignment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Plugin,
    Modules,
    /// Attributes that ask the server to run something.
    Backend(&'static str),
}

impl Data {
    fn named(name: &str) -> Option<Self> {
        match name {
            "plugin_data" | "PLUGIN_DATA" => Some(Self::Plugin),
            "module_data" | "MODULE_DATA" => Some(Self::Modules),
            "required_services_runtime" | "REQUIRED_SERVICES_RUNTIME" => Some(Self::Backend("required_services_runtime")),
            "endpoints_file" | "ENDPOINTS_FILE" => Some(Self::Backend("endpoints_file")),
            "backend_dependencies" | "BACKEND_DEPENDENCIES" => Some(Self::Backend("backend_dependencies")),
            _ => None,
        }
    }

    fn pointer(self) -> &'static str {
        match self {
            Self::Plugin => "/plugin_data",
            Self::Modules => "/module_data",
            Self::Backend(name) => name,
        }
    }
}

/// Where a statement stands, as far as it matters when it would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Module,
    Class,
    /// The body of `__init__`.
    Init,
    Function,
}

/// What both literals are.
pub struct Values {
    pub plugin: Map<String, Value>,
    pub modules: Vec<Value>,
}

/// What the file says, unevaluated.
pub struct Source<'a> {
    module: &'a Module<'a>,
    scope: Scope,
    assigned: Vec<(Data, &'a Expr)>,
    /// Where the data are changed after they were given.
    changed: Vec<(Data, TextSize)>,
    /// Functions of the file and methods of its classes.
    functions: Vec<(&'a str, TextSize)>,
}

impl<'a> Source<'a> {
    pub fn read(module: &'a Module<'a>) -> Result<Self, Vec<Violation>> {
        let mut source = Self { module, scope: Scope::Module, assigned: Vec::new(), changed: Vec::new(), functions: Vec::new() };
        source.visit_body(&module.tree.syntax().body);
        let changed = |(data, at): &(Data, TextSize)| {
            module.fault(data.pointer(), *at, "is changed after it was given, which only running the file could tell")
        };
        let faults: Vec<_> = source.changed.iter().take(MAX_VIOLATIONS).map(changed).collect();
        if faults.is_empty() { Ok(source) } else { Err(faults) }
    }

    pub fn functions(&self) -> impl Iterator<Item = (&'a str, TextSize)> {
        self.functions.iter().copied()
    }

    pub fn module(&self) -> &'a Module<'a> {
        self.module
    }

    /// The values of both literals. `lines` gets the line of each of their members, by its pointer.
    pub fn values(&self, lines: &mut BTreeMap<String, usize>) -> Result<Values, Vec<Violation>> {
        let mut reader = Reader::new(self.module, lines);
        let plugin = self.only(Data::Plugin, &mut reader).map(|expr| reader.read(expr, Data::Plugin.pointer()));
        let modules = self.only(Data::Modules, &mut reader).map(|expr| reader.read(expr, Data::Modules.pointer()));
        for (data, expr) in &self.assigned {
            if let Data::Backend(name) = data
                && !is_nothing(expr)
            {
                reader.refuse(name, expr.start(), "asks the server to run code of the plugin, which this server never does");
            }
        }
        let faults = reader.faults();
        match (plugin, modules) {
            _ if !faults.is_empty() => Err(faults),
            (Some(Value::Object(plugin)), Some(Value::Array(modules))) => Ok(Values { plugin, modules }),
            // A plugin without modules may leave them out.
            (Some(Value::Object(plugin)), None) => Ok(Values { plugin, modules: Vec::new() }),
            _ => Err(vec![Violation::new("", "plugin_data must be a dictionary and module_data a list")]),
        }
    }

    /// The one literal that the data are given. Aliases (`self.plugin_data = PLUGIN_DATA`) are none.
    fn only(&self, data: Data, reader: &mut Reader<'_>) -> Option<&'a Expr> {
        let given = self.assigned.iter().filter(|(of, expr)| *of == data && !is_alias(expr)).map(|(_, expr)| *expr).collect::<Vec<_>>();
        match given.as_slice() {
            [] if data == Data::Plugin => {
                reader.refuse_whole("lifecycle_manager.py gives plugin_data (or PLUGIN_DATA) no value");
                None
            }
            [] => None,
            [one] => Some(one),
            [_, second, ..] => {
                reader.refuse(data.pointer(), second.start(), "is given a second time");
                None
            }
        }
    }

    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        if let Some(data) = self.data(target) {
            self.assigned.push((data, value));
        } else if let Expr::Subscript(_) = target {
            self.change(target);
        }
    }

    /// Notes a change of the data that loading the file would make.
    fn change(&mut self, place: &Expr) {
        if self.scope == Scope::Function {
            return;
        }
        let mut base = place;
        while let Expr::Subscript(subscript) = base {
            base = &subscript.value;
        }
        if let Some(data) = self.data(base) {
            self.changed.push((data, place.start()));
        }
    }

    /// What the expression names: a variable of the file or a class, or an attribute of the object.
    fn data(&self, expr: &Expr) -> Option<Data> {
        match expr {
            Expr::Name(name) if matches!(self.scope, Scope::Module | Scope::Class) => Data::named(name.id.as_str()),
            Expr::Attribute(attribute) => match attribute.value.as_ref() {
                Expr::Name(object) if matches!(object.id.as_str(), "self" | "cls") => Data::named(attribute.attr.as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    fn inside(&mut self, scope: Scope, stmt: &'a Stmt) {
        let outer = std::mem::replace(&mut self.scope, scope);
        walk_stmt(self, stmt);
        self.scope = outer;
    }
}

impl<'a> StatementVisitor<'a> for Source<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let outside = matches!(self.scope, Scope::Module | Scope::Class);
        match stmt {
            Stmt::FunctionDef(StmtFunctionDef { name, .. }) => {
                if outside {
                    self.functions.push((name.as_str(), stmt.start()));
                }
                let is_init = self.scope == Scope::Class && name.as_str() == "__init__";
                return self.inside(if is_init { Scope::Init } else { Scope::Function }, stmt);
            }
            Stmt::ClassDef(StmtClassDef { .. }) => return self.inside(if outside { Scope::Class } else { Scope::Function }, stmt),
            Stmt::Assign(assign) => assign.targets.iter().for_each(|target| self.assign(target, &assign.value)),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => self.change(&assign.target),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|target| self.change(target)),
            Stmt::Expr(expr) => {
                if let Expr::Call(call) = expr.value.as_ref()
                    && let Expr::Attribute(method) = call.func.as_ref()
                    && CHANGING.contains(&method.attr.as_str())
                {
                    self.change(&method.value);
                }
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }
}

fn is_alias(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(_) | Expr::Attribute(_))
}

fn is_nothing(expr: &Expr) -> bool {
    match expr {
        Expr::NoneLiteral(_) => true,
        Expr::List(list) => list.elts.is_empty(),
        Expr::Tuple(tuple) => tuple.elts.is_empty(),
        Expr::StringLiteral(text) => text.value.is_empty(),
        _ => false,
    }
}
