//! Rust source as words, strings and marks with their lines; comments are left out.

/// A piece of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An identifier, a keyword or a number.
    Word(String),
    /// A string literal, its quotes taken off and its escapes left as they are.
    Text(String),
    /// Any other character.
    Mark(char),
}

/// A piece and its line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) piece: Piece,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.piece, Piece::Word(own) if own == word)
    }

    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.piece == Piece::Mark(mark)
    }
}

/// The tokens of a source file.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    /// Takes one piece, or what is between two; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(comment_length(self.rest));
        } else if let Some((open, close)) = string_bounds(self.rest) {
            let (line, text) = (self.line, self.take(close));
            let inner = text.get(open..).unwrap_or_default();
            let inner = inner.trim_end_matches('#').strip_suffix('"').unwrap_or(inner);
            self.tokens.push(Token { piece: Piece::Text(inner.to_owned()), line });
        } else if first == '\'' {
            self.take(quote_length(self.rest));
        } else if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let line = self.line;
            let word = self.take(end).to_owned();
            self.tokens.push(Token { piece: Piece::Word(word), line });
        } else {
            if !first.is_whitespace() {
                self.tokens.push(Token { piece: Piece::Mark(first), line: self.line });
            }
            self.take(first.len_utf8());
        }
        true
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How long the block comment is that `source` begins with; they nest.
fn comment_length(source: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < source.len() {
        let rest = &source.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    source.len()
}

/// Where the text of a string literal begins, and where the literal ends, if `source` begins with
/// one.
fn string_bounds(source: &str) -> Option<(usize, usize)> {
    let prefix = source
        .find(['"', '#'])
        .filter(|at| matches!(&source[..*at], "" | "b" | "c" | "r" | "br" | "cr"))?;
    let hashes = source[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let open = prefix + hashes + 1;
    if !source[prefix + hashes..].starts_with('"') {
        return None;
    }
    if source[..prefix].ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        let close = source[open..].find(&end).map_or(source.len(), |at| open + at + end.len());
        return Some((open, close));
    }
    if hashes > 0 {
        return None;
    }
    let mut escaped = false;
    for (at, c) in source[open..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((open, open + at + 1)),
            _ => {}
        }
    }
    Some((open, source.len()))
}

/// How long the character literal or the lifetime is that `source` begins with.
fn quote_length(source: &str) -> usize {
    let mut chars = source.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => source[3..].find('\'').map_or(source.len(), |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1 + source[1..].find(|c| !is_word(c)).unwrap_or(source.len() - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        let word = |token: Token| match token.piece {
            Piece::Word(word) => word,
            Piece::Text(text) => format!("<{text}>"),
            Piece::Mark(mark) => mark.to_string(),
        };
        tokens(source).into_iter().map(word).collect()
    }

    #[test]
    fn strings_comments_and_quotes_hide_what_is_in_them() {
        assert_eq!(words("a /* { /* \" */ } */ b // {\nc"), ["a", "b", "c"]);
        assert_eq!(
            words(r##"f("{\"}", r#"a"b{"#, b"x")"##),
            ["f", "(", "<{\\\"}>", ",", "<a\"b{>", ",", "<x>", ")"]
        );
        assert_eq!(words(r"'{' '\'' '\n' &'a x #[b]"), ["&", "x", "#", "[", "b", "]"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let source = "a\n/* \n */ b \"\n\" c\n// d\ne";
        let lines: Vec<usize> = tokens(source).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3, 4, 6]);
    }
}
