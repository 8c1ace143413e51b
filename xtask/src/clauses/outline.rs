//! The items of a source file: what a citation stands at.

use super::lexer::{Piece, Token};

/// A function, type, trait or constant, with the lines it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) is_function: bool,
    /// It has `#[test]`.
    pub(crate) is_test: bool,
    /// From its first attribute on.
    first: usize,
    last: usize,
}

/// The items of a file.
pub(crate) struct Outline {
    items: Vec<Item>,
    /// Lines that have a token.
    lines: Vec<usize>,
}

const KINDS: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "const", "static", "type"];

impl Outline {
    pub(crate) fn of(tokens: &[Token]) -> Self {
        let mut items = Vec::new();
        let mut start = 0;
        for (at, pair) in tokens.windows(2).enumerate() {
            let [own, next] = pair else { continue };
            if let (Piece::Word(kind), Piece::Word(name)) = (&own.piece, &next.piece)
                && KINDS.contains(&kind.as_str())
                && !KINDS.contains(&name.as_str())
                // `*const T` is a type.
                && !(at > 0 && tokens[at - 1].is_mark('*'))
            {
                let is_function = kind == "fn";
                let is_test = is_function
                    && tokens[start..at].windows(4).any(|four| {
                        let [hash, open, test, close] = four else { return false };
                        hash.is_mark('#')
                            && open.is_mark('[')
                            && test.is_word("test")
                            && close.is_mark(']')
                    });
                items.push(Item {
                    name: name.clone(),
                    is_function,
                    is_test,
                    first: tokens[start].line,
                    last: end(tokens, at),
                });
            }
            if [';', '{', '}'].into_iter().any(|mark| own.is_mark(mark)) {
                start = at + 1;
            }
        }
        Self { items, lines: tokens.iter().map(|token| token.line).collect() }
    }

    /// The items that what stands directly below `line` belongs to, the innermost first.
    pub(crate) fn below(&self, line: usize) -> Vec<&Item> {
        let Some(target) = self.lines.iter().find(|own| **own > line) else { return Vec::new() };
        let mut around: Vec<&Item> =
            self.items.iter().filter(|item| (item.first..=item.last).contains(target)).collect();
        around.sort_by_key(|item| (!item.is_function, item.last - item.first));
        // An item that begins there is meant, though it may be a constant inside of a function.
        around.sort_by_key(|item| item.first != *target);
        around
    }
}

/// The last line of the item whose keyword is at `at`: of its body, or of its semicolon.
fn end(tokens: &[Token], at: usize) -> usize {
    let (mut depth, mut braces) = (0i32, 0i32);
    for token in &tokens[at..] {
        match token.piece {
            Piece::Mark('(' | '[') => depth += 1,
            Piece::Mark(')' | ']') => depth -= 1,
            Piece::Mark('{') => braces += 1,
            Piece::Mark('}') => {
                braces -= 1;
                if braces <= 0 && depth <= 0 {
                    return token.line;
                }
            }
            Piece::Mark(';') if depth <= 0 && braces == 0 => return token.line,
            _ => {}
        }
    }
    tokens.last().map_or(0, |token| token.line)
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    const SOURCE: &str = "\
//! Top.

const MOST: [u8; 2] = [1, 2];

impl<T> Thing<T> {
    /// Doc.
    #[inline]
    pub(super) fn first<'a>(
        &'a self,
    ) -> Result<(), [u8; 4]>
    where
        T: Copy,
    {
        if true {
            const INNER: u32 = 1;

            self.go();
        }
    }

    fn second(&self) {
        fn nested() {}
        let _ = '{';
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn proves() {
        assert!(true);
    }
}
";

    fn names(line: usize) -> Vec<String> {
        let outline = Outline::of(&tokens(SOURCE));
        outline.below(line).iter().map(|item| item.name.clone()).collect()
    }

    #[test]
    fn finds_what_a_line_belongs_to() {
        assert_eq!(names(2), ["MOST"]);
        assert_eq!(names(5), ["first"], "attributes belong to an item");
        assert_eq!(names(13), ["first"]);
        assert_eq!(names(14), ["INNER", "first"]);
        assert_eq!(names(16), ["first"]);
        assert_eq!(names(20), ["second"]);
        assert_eq!(names(21), ["nested", "second"]);
        assert_eq!(names(22), ["second"]);
        assert_eq!(names(100), Vec::<String>::new());
    }

    #[test]
    fn knows_tests() {
        let outline = Outline::of(&tokens(SOURCE));
        assert!(outline.below(29)[0].is_test);
        assert!(outline.below(28)[0].is_test);
        assert!(!outline.below(14)[0].is_test);
    }
}
