//! A state document: JSON that is checked and brought to compact form in one pass over its text. It is never a tree here,
//! so digits and member order stay as they are written, and a large document costs little more memory than its text.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::{
    domain::pointer,
    error::{Error, Result, Violation},
};

/// Arrays and objects inside one another.
pub const MAX_DEPTH: usize = 64;
/// More than anybody reads at once.
const MAX_VIOLATIONS: usize = 50;
/// Names that reach into a JavaScript object's machinery, and those by which `serde_json` would take an object for
/// something else when the document is read into memory later.
const FORBIDDEN: [&str; 5] =
    ["\"__proto__\"", "\"constructor\"", "\"prototype\"", "\"$serde_json::private::Number\"", "\"$serde_json::private::RawValue\""];

/// A checked document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Compact: no white space between tokens, texts escaped as little as possible.
    json: Vec<u8>,
    sha256: String,
    /// Of the same with the members of every object sorted: equal exactly when the documents mean the same, number for
    /// number as they are written.
    content_sha256: String,
}

impl Document {
    /// Checks the text; drops members of the document itself (not of objects inside it) that are called like one of
    /// `excluded`.
    ///
    /// # Errors
    ///
    /// `MalformedJson`; `Validation` with every duplicate or forbidden member and for what lies too deep.
    pub fn parse(text: &[u8], excluded: &[String]) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|e| Error::MalformedJson(e.to_string()))?;
        let excluded = excluded.iter().map(|name| quoted(name)).collect::<Result<Vec<_>>>()?;
        let mut scan = Scan {
            text,
            at: 0,
            compact: Vec::with_capacity(text.len()),
            sorted: Vec::with_capacity(text.len()),
            path: Vec::new(),
            excluded,
            violations: Vec::new(),
        };
        scan.space();
        scan.value()?;
        scan.space();
        if scan.at < text.len() {
            return Err(scan.malformed("trailing characters"));
        }
        if !scan.violations.is_empty() {
            return Err(Error::Validation { errors: scan.violations });
        }
        let sha256 = hex::encode(Sha256::digest(&scan.compact));
        // Most are written in order, and hashing is most of the work.
        let content_sha256 = if scan.sorted == scan.compact { sha256.clone() } else { hex::encode(Sha256::digest(&scan.sorted)) };
        Ok(Self { json: scan.compact, sha256, content_sha256 })
    }

    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub fn into_json(self) -> Vec<u8> {
        self.json
    }

    /// In bytes of compact JSON: what limits and quotas count.
    pub fn size(&self) -> u64 {
        self.json.len() as u64
    }

    pub fn is_object(&self) -> bool {
        self.json.first() == Some(&b'{')
    }

    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub fn content_sha256(&self) -> &str {
        &self.content_sha256
    }
}

fn quoted(text: &str) -> Result<String> {
    serde_json::to_string(text).map_err(|e| Error::storage("cannot write a text as JSON", e))
}

/// Where a pointer leads through.
enum Step<'a> {
    Index(usize),
    /// The name as it stands in the compact form, in quotes.
    Member(Cow<'a, str>),
}

/// Where a member's text lies in one of the two forms.
struct Span {
    start: usize,
    /// Of its name.
    name_end: usize,
    end: usize,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    compact: Vec<u8>,
    /// As `compact`, with the members of every object sorted once it is complete. That changes no length.
    sorted: Vec<u8>,
    path: Vec<Step<'a>>,
    excluded: Vec<String>,
    violations: Vec<Violation>,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn malformed(&self, what: &str) -> Error {
        Error::MalformedJson(format!("{what} at byte {}", self.at))
    }

    fn emit(&mut self, bytes: &[u8]) {
        self.compact.extend_from_slice(bytes);
        self.sorted.extend_from_slice(bytes);
    }

    fn violation(&mut self, message: &str) {
        if self.violations.len() < MAX_VIOLATIONS {
            let mut at = String::new();
            for step in &self.path {
                match step {
                    Step::Index(index) => pointer::push(&mut at, &index.to_string()),
                    Step::Member(name) => pointer::push(&mut at, &serde_json::from_str::<String>(name).unwrap_or_default()),
                }
            }
            self.violations.push(Violation::new(at, message));
        }
    }

    fn value(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'{' | b'[') if self.path.len() >= MAX_DEPTH => {
                self.violation(&format!("lies deeper than {MAX_DEPTH} levels"));
                Err(Error::Validation { errors: std::mem::take(&mut self.violations) })
            }
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                let text = self.string()?;
                self.emit(text.as_bytes());
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => Err(self.malformed("expected a value")),
            None => Err(self.malformed("the text ends early")),
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.malformed("expected a value"));
        }
        self.at += word.len();
        self.emit(word.as_bytes());
        Ok(())
    }

    /// As it is written: no digit is lost, and `1.0` stays `1.0`.
    fn number(&mut self) -> Result<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.malformed("expected a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let text = self.text;
        let digits = text.get(start..self.at).unwrap_or_default();
        self.emit(digits.as_bytes());
        Ok(())
    }

    fn some_digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.malformed("expected a digit"));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    /// The string in quotes, escaped as little as possible, so that equal texts have equal forms.
    fn string(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => return Err(self.malformed("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.malformed("the text ends early")),
            }
        }
        self.at += 1;
        let text = self.text;
        let raw = text.get(start..self.at).ok_or_else(|| self.malformed("a broken escape"))?;
        if !escaped {
            return Ok(raw.into());
        }
        let decoded: String = serde_json::from_str(raw).map_err(|e| Error::MalformedJson(format!("{e} in the string at byte {start}")))?;
        quoted(&decoded).map(Into::into)
    }

    fn array(&mut self) -> Result<()> {
        self.at += 1;
        self.emit(b"[");
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.emit(b"]");
            return Ok(());
        }
        for index in 0.. {
            self.path.push(Step::Index(index));
            self.space();
            self.value()?;
            self.path.pop();
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.emit(b",");
                }
                Some(b']') => break,
                _ => return Err(self.malformed("expected `,` or `]`")),
            }
        }
        self.at += 1;
        self.emit(b"]");
        Ok(())
    }

    fn object(&mut self) -> Result<()> {
        self.at += 1;
        self.emit(b"{");
        let begin = self.sorted.len();
        let mut members: Vec<Span> = Vec::new();
        self.space();
        while self.peek() != Some(b'}') {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("expected a member's name"));
            }
            let lengths = (self.compact.len(), self.sorted.len());
            if !members.is_empty() {
                self.emit(b",");
            }
            let name = self.string()?;
            let excluded = self.path.is_empty() && self.excluded.iter().any(|excluded| **excluded == *name);
            let start = self.sorted.len();
            self.emit(name.as_bytes());
            let name_end = self.sorted.len();
            let forbidden = FORBIDDEN.contains(&&*name);
            self.path.push(Step::Member(name));
            if forbidden {
                self.violation("this member name is not allowed");
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.malformed("expected `:`"));
            }
            self.at += 1;
            self.emit(b":");
            self.space();
            self.value()?;
            self.path.pop();
            match excluded {
                true => {
                    self.compact.truncate(lengths.0);
                    self.sorted.truncate(lengths.1);
                }
                false => members.push(Span { start, name_end, end: self.sorted.len() }),
            }
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b'}') {
                        return Err(self.malformed("expected a member's name"));
                    }
                }
                Some(b'}') => {}
                _ => return Err(self.malformed("expected `,` or `}`")),
            }
        }
        self.at += 1;
        self.sort(begin, members);
        self.emit(b"}");
        Ok(())
    }

    /// Puts the members of the object that has just ended in order, and finds those that are there twice.
    fn sort(&mut self, begin: usize, mut members: Vec<Span>) {
        let object = self.sorted.get(begin..).unwrap_or_default();
        let of = |from: usize, to: usize| object.get(from - begin..to - begin).unwrap_or_default();
        let name = |member: &Span| of(member.start, member.name_end);
        if members.is_sorted_by(|a, b| name(a) < name(b)) {
            return;
        }
        // In place: which of two equal names comes first does not matter, they are refused.
        members.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        let twice = members.windows(2).filter_map(|pair| match pair {
            [a, b] if name(a) == name(b) => std::str::from_utf8(name(b)).ok().map(str::to_owned),
            _ => None,
        });
        let twice: Vec<String> = twice.take(MAX_VIOLATIONS).collect();
        let mut ordered = Vec::with_capacity(object.len());
        for (number, member) in members.iter().enumerate() {
            if number > 0 {
                ordered.push(b',');
            }
            ordered.extend_from_slice(of(member.start, member.end));
        }
        self.sorted.truncate(begin);
        self.sorted.extend_from_slice(&ordered);
        for name in twice {
            self.path.push(Step::Member(name.into()));
            self.violation("this member is here twice");
            self.path.pop();
        }
    }
}

#[cfg(test)]
mod tests;
