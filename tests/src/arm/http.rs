//! HTTP/1.1 by hand (RFC 9112): what a fault does to an answer must be possible on the wire, so no library stands between.

use std::io::{self, BufRead, Read, Write};

/// Most bytes of a request's first line and headers together; poll addresses may have 4 KiB each.
const MOST_HEAD: u64 = 64 << 10;
/// Most bytes of a request's body.
const MOST_BODY: usize = 8 << 20;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// `GET`, `PUT` …
    pub(crate) verb: String,
    /// The path, decoded, without what follows `?`.
    pub(crate) path: String,
    /// The query in order, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// A parameter of the query; Azure does not tell cases apart in their names.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        fields(&String::from_utf8_lossy(&self.body))
    }

    fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// An answer, and what is to go wrong on its way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Only so many bytes of the body are sent before the connection ends.
    pub(crate) cut: Option<usize>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a header, in place of one of that name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(crate) fn text(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("Content-Type", content_type)
    }

    /// Writes the answer; false when the connection ends with it.
    pub(crate) fn write(&self, to: &mut impl Write, request: &Request) -> io::Result<bool> {
        use std::fmt::Write as _;
        let keep = self.cut.is_none() && !request.wants_close();
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            // A String takes all that is written.
            write!(head, "{name}: {}\r\n", value.replace(['\r', '\n'], " ")).unwrap_or_default();
        }
        if self.status != 204 {
            write!(head, "Content-Length: {}\r\n", self.body.len()).unwrap_or_default();
        }
        if !keep {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        if request.verb != "HEAD" && self.status != 204 {
            let sent = self.cut.unwrap_or(usize::MAX).min(self.body.len());
            to.write_all(self.body.get(..sent).unwrap_or_default())?;
        }
        to.flush()?;
        Ok(keep)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// Reads one request; none when the other side has ended the connection.
///
/// # Errors
/// What is not HTTP/1, or larger than anybody needs.
pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = from.by_ref().take(MOST_HEAD);
    let first = line(&mut head)?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut words = first.split(' ');
    let (Some(verb), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(wrong("no request line"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(wrong("not HTTP/1"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        verb: verb.to_owned(),
        path: decoded(path, false),
        query: fields(query),
        ..Request::default()
    };
    loop {
        let line = line(&mut head)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| wrong("a header without a colon"))?;
        request
            .headers
            .push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    request.body = body(from, &request)?;
    Ok(Some(request))
}

fn body(from: &mut impl BufRead, request: &Request) -> io::Result<Vec<u8>> {
    if let Some(coding) = request.header("transfer-encoding") {
        return if coding.eq_ignore_ascii_case("chunked") {
            chunks(from)
        } else {
            Err(wrong("a transfer coding other than chunked"))
        };
    }
    let length = match request.header("content-length") {
        Some(length) => length.parse().map_err(|_| wrong("a length that is no number"))?,
        None => 0,
    };
    exactly(from, length)
}

fn exactly(from: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    if length > MOST_BODY {
        return Err(wrong("too large a body"));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let size = line(&mut from.by_ref().take(MOST_HEAD))?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| wrong("a chunk without a size"))?;
        if size.saturating_add(bytes.len()) > MOST_BODY {
            return Err(wrong("too large a body"));
        }
        bytes.extend(exactly(from, size)?);
        // The end of the chunk, or of the trailers, which nobody sends.
        let end = line(&mut from.by_ref().take(MOST_HEAD))?;
        if !end.is_empty() {
            return Err(wrong("more after a chunk"));
        }
        if size == 0 {
            return Ok(bytes);
        }
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.read_until(b'\n', &mut bytes)?;
    match bytes.strip_suffix(b"\n") {
        Some(line) => Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()),
        None if bytes.is_empty() => Ok(String::new()),
        None => Err(wrong("a line without an end")),
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        })
        .collect()
}

/// Undoes `%41`; in a query or form `+` is a blank.
fn decoded(text: &str, form: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if form && *first == b'+' { b' ' } else { *first });
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// `%` for every byte that may not stand in a query.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // A String takes all that is written.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whole() {
        let text = b"POST /a%20b?api-version=1&%24filter=x+eq%20'y' HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n";
        let mut from = &text[..];
        let request = read(&mut from).unwrap().unwrap();
        assert_eq!((&*request.verb, &*request.path), ("POST", "/a b"));
        assert_eq!(request.parameter("$FILTER"), Some("x eq 'y'"));
        assert_eq!((request.header("host"), &*request.body), (Some("h"), &b"abc"[..]));
        assert_eq!(read(&mut from).unwrap().unwrap().verb, "GET");
        assert!(read(&mut from).unwrap().is_none());
    }

    #[test]
    fn chunks_are_joined() {
        let text = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        assert_eq!(read(&mut &text[..]).unwrap().unwrap().body, b"abc");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bad in [
            &b"hello\r\n\r\n"[..],
            b"GET / HTTP/2\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc",
            b"GET / HTT",
        ] {
            assert!(read(&mut &*bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cut_answer_promises_more_than_comes() {
        let mut answer = Answer::new(200).text("application/json", "{\"a\":1}");
        answer.cut = Some(3);
        let mut wire = Vec::new();
        assert!(!answer.write(&mut wire, &Request::default()).unwrap());
        let wire = String::from_utf8(wire).unwrap();
        assert!(
            wire.contains("Content-Length: 7\r\n") && wire.ends_with("\r\n\r\n{\"a"),
            "{wire}"
        );
    }
}
