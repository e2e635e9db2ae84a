//! As much of XML as firewalld's files are written in: elements, attributes, text, comments. Anything else is an error.

/// An element with what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// As written.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// All text in it, without white space around it.
    pub(super) text: String,
}

/// Elements within elements.
const DEEPEST: usize = 16;

/// The outermost element of a file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut rest = text;
    let mut open: Vec<Element> = vec![Element::default()];
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        add_text(&mut open, before)?;
        rest = match tag {
            tag if tag.starts_with("<!--") => behind(tag, "-->")?,
            tag if tag.starts_with("<?") => behind(tag, "?>")?,
            tag if tag.starts_with("<!") => return Err("a declaration in XML".to_owned()),
            tag => {
                let end = end_of_tag(tag)?;
                let (inner, after) = (tag.get(1..end), tag.get(end + 1..));
                element(&mut open, inner.unwrap_or_default())?;
                after.unwrap_or_default()
            }
        };
    }
    add_text(&mut open, rest)?;
    let root = open
        .pop()
        .filter(|_| open.is_empty())
        .ok_or("an element does not end")?;
    let mut all = root.children.into_iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        _ => Err("not one element".to_owned()),
    }
}

fn behind<'t>(text: &'t str, mark: &str) -> Result<&'t str, String> {
    let parts = text.split_once(mark);
    parts
        .map(|(_, after)| after)
        .ok_or_else(|| format!("{mark} is missing"))
}

/// Where the `>` of a tag is: not between quotes.
fn end_of_tag(tag: &str) -> Result<usize, String> {
    let mut quote: Option<char> = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Ok(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    Err("a tag does not end".to_owned())
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    let text = text.trim();
    match open {
        _ if text.is_empty() => Ok(()),
        [_] => Err("text outside every element".to_owned()),
        [.., element] => {
            element.text += &plain(text)?;
            Ok(())
        }
        [] => Ok(()),
    }
}

/// One tag, without its angle brackets.
fn element(open: &mut Vec<Element>, inner: &str) -> Result<(), String> {
    if let Some(name) = inner.strip_prefix('/') {
        let ended = open.pop().filter(|ended| ended.name == name.trim());
        let (Some(ended), Some(outer)) = (ended, open.last_mut()) else {
            return Err(format!("{name} ends where it did not begin"));
        };
        outer.children.push(ended);
        return Ok(());
    }
    let (inner, is_whole) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let inner = inner.trim();
    let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let made = Element {
        name: name.to_owned(),
        attributes: self::attributes(attributes)?,
        ..Element::default()
    };
    if open.len() > DEEPEST {
        return Err("elements within elements without end".to_owned());
    }
    match open.last_mut() {
        Some(outer) if is_whole => outer.children.push(made),
        _ => open.push(made),
    }
    Ok(())
}

fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("an attribute without a value")?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or("a value without quotes")?;
        let inner = after.get(1..).unwrap_or_default();
        let (value, after) = inner.split_once(quote).ok_or("a value does not end")?;
        out.push((name.trim().to_owned(), plain(value)?));
        rest = after.trim_start();
    }
    Ok(out)
}

/// With entities put in.
fn plain(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, after) = part.split_once(';').ok_or("an entity does not end")?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(format!("the entity {name} is not known")),
        });
        out += after;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_with_attributes_and_text() {
        let text = "<?xml version=\"1.0\"?>\n<!-- <x> -->\n<zone target='DROP'>\n <short>a &amp; b</short>\n <port port=\"80\" protocol=\"tcp\"/>\n <rule><x y=\">\"/></rule>\n</zone>\n";
        let zone = parse(text).unwrap();
        assert_eq!(zone.attributes, [("target".to_owned(), "DROP".to_owned())]);
        assert_eq!(zone.children[0].text, "a & b");
        assert_eq!(zone.children[1].attributes.len(), 2);
        assert_eq!(zone.children[2].children[0].attributes[0].1, ">");
    }

    #[test]
    fn what_is_broken_is_an_error() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "x<a/>",
            "<a b/>",
            "<a b=c/>",
            "<a>&x;</a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
            "</a>",
            "<a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
