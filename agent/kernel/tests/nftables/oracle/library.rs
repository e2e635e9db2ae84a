//! The same netlink messages read by libnftnl, through the bindings of `nftnl-sys`: a decoder that we did not write.
//!
//! Everything is copied out at once, so no pointer leaves a function. Attributes keep libnftnl's numbers
//! (`libnftnl/expr.h`, `rule.h`, `set.h`) and the bytes that its getters hand out.
#![allow(unsafe_code, reason = "libnftnl is a C library")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};

use netghost_core::raw::RawMessage;
use nftnl_sys as sys;
use nftnl_sys::libc::{c_int, nlmsghdr};

/// What the getters hand out, by attribute.
pub(super) type Attributes = BTreeMap<u16, Vec<u8>>;

/// One expression of a rule or of an element's template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    /// Of a `dynset`: what each new element carries.
    pub(super) inner: Vec<Self>,
}

impl Expression {
    /// A number of host order of any length.
    pub(super) fn number(&self, attribute: u16) -> Option<u64> {
        self.attributes.get(&attribute).map(|bytes| number(bytes))
    }

    pub(super) fn register(&self, attribute: u16) -> Option<u32> {
        self.number(attribute)
            .map(|register| u32::try_from(register).unwrap())
    }

    pub(super) fn text(&self, attribute: u16) -> Option<String> {
        self.attributes.get(&attribute).map(|bytes| text(bytes))
    }

    pub(super) fn bytes(&self, attribute: u16) -> &[u8] {
        self.attributes.get(&attribute).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    let digits = bytes.iter().rev();
    digits.fold(0, |all, byte| all << 8 | u64::from(*byte))
}

pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[derive(Debug)]
pub(super) struct Rule {
    /// Its own attributes.
    pub(super) attributes: Attributes,
    pub(super) expressions: Vec<Expression>,
}

#[derive(Debug)]
pub(super) struct Set {
    /// Its own attributes.
    pub(super) attributes: Attributes,
    /// Those of each element.
    pub(super) elements: Vec<Attributes>,
}

/// A message as it came, with the header that the reader took off.
struct Message {
    /// Of whole words, so that the header is aligned.
    words: Vec<u64>,
}

impl Message {
    fn new(raw: &RawMessage) -> Self {
        let length = u32::try_from(raw.payload.0.len() + size_of::<nlmsghdr>()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(raw.message_type.to_ne_bytes());
        bytes.resize(size_of::<nlmsghdr>(), 0);
        bytes.extend(&raw.payload.0);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let words = bytes.chunks_exact(8);
        Self {
            words: words
                .map(|word| u64::from_ne_bytes(word.try_into().unwrap()))
                .collect(),
        }
    }

    fn header(&self) -> *const nlmsghdr {
        self.words.as_ptr().cast()
    }
}

/// What a getter handed out.
///
/// # Safety
/// `data` is null or `length` bytes that stay as they are meanwhile.
unsafe fn copied(data: *const c_void, length: u32) -> Option<Vec<u8>> {
    if data.is_null() || length == 0 {
        return None;
    }
    let length = usize::try_from(length).unwrap();
    // SAFETY: as of this function.
    Some(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) }.to_vec())
}

/// # Safety
/// `expression` is one that libnftnl made and has not freed.
unsafe fn expression(expression: *const sys::nftnl_expr) -> Expression {
    // SAFETY: as of this function; attribute 0 is the name, a string that is always set.
    let name = unsafe { CStr::from_ptr(sys::nftnl_expr_get_str(expression, 0)) };
    let name = name.to_str().unwrap().to_owned();
    let mut attributes = Attributes::new();
    for attribute in 1..=10 {
        // The expressions inside a `dynset` are no bytes.
        let nested = name == "dynset" && matches!(attribute, 7 | 8);
        // SAFETY: as of this function; an attribute that is set may be got.
        let got = unsafe {
            let mut length = 0;
            if nested || !sys::nftnl_expr_is_set(expression, attribute) {
                continue;
            }
            let data = sys::nftnl_expr_get(expression, attribute, &raw mut length);
            copied(data, length)
        };
        attributes.insert(attribute, got.unwrap_or_default());
    }
    let mut inner: Vec<Expression> = Vec::new();
    if name == "dynset" {
        // SAFETY: as of this function; `take` gets the vector that is passed beside it.
        unsafe { sys::nftnl_expr_expr_foreach(expression, Some(take), (&raw mut inner).cast()) };
    }
    Expression {
        name,
        attributes,
        inner,
    }
}

unsafe extern "C" fn take(inside: *mut sys::nftnl_expr, into: *mut c_void) -> c_int {
    // SAFETY: libnftnl passes one of its expressions, and on what `expression` gave it: a vector that lives as long.
    unsafe { (*into.cast::<Vec<Expression>>()).push(expression(inside)) };
    0
}

/// `nftnl_rule_nlmsg_parse`, with all that its getters know.
pub(super) fn rule(raw: &RawMessage) -> Rule {
    let message = Message::new(raw);
    // SAFETY: the message is whole and outlives the call; what is made here is freed here, after everything was copied.
    unsafe {
        let rule = sys::nftnl_rule_alloc();
        assert!(!rule.is_null());
        assert_eq!(sys::nftnl_rule_nlmsg_parse(message.header(), rule), 0);
        let mut attributes = Attributes::new();
        for attribute in 0..=7 {
            let mut length = 0;
            if sys::nftnl_rule_is_set(rule, attribute) {
                let data = sys::nftnl_rule_get_data(rule, attribute, &raw mut length);
                attributes.insert(attribute, copied(data, length).unwrap_or_default());
            }
        }
        let mut expressions = Vec::new();
        let all = sys::nftnl_expr_iter_create(rule);
        loop {
            let next = sys::nftnl_expr_iter_next(all);
            if next.is_null() {
                break;
            }
            expressions.push(expression(next));
        }
        sys::nftnl_expr_iter_destroy(all);
        sys::nftnl_rule_free(rule);
        Rule {
            attributes,
            expressions,
        }
    }
}

/// `nftnl_set_nlmsg_parse` or, of a message of elements, `nftnl_set_elems_nlmsg_parse`.
pub(super) fn set(raw: &RawMessage, of_elements: bool) -> Set {
    let message = Message::new(raw);
    // SAFETY: as in `rule`.
    unsafe {
        let set = sys::nftnl_set_alloc();
        assert!(!set.is_null());
        let parsed = if of_elements {
            sys::nftnl_set_elems_nlmsg_parse(message.header(), set)
        } else {
            sys::nftnl_set_nlmsg_parse(message.header(), set)
        };
        assert_eq!(parsed, 0);
        let mut attributes = Attributes::new();
        for attribute in 0..=16 {
            let mut length = 0;
            if sys::nftnl_set_is_set(set, attribute) {
                let data = sys::nftnl_set_get_data(set, attribute, &raw mut length);
                attributes.insert(attribute, copied(data, length).unwrap_or_default());
            }
        }
        let elements = elements(set);
        sys::nftnl_set_free(set);
        Set { attributes, elements }
    }
}

/// # Safety
/// `set` is one that libnftnl made and has not freed.
unsafe fn elements(set: *const sys::nftnl_set) -> Vec<Attributes> {
    let mut out = Vec::new();
    // SAFETY: as of this function; an attribute that is set may be got, but for the expressions (8, 11), which are no bytes.
    unsafe {
        let all = sys::nftnl_set_elems_iter_create(set);
        loop {
            let next = sys::nftnl_set_elems_iter_next(all);
            if next.is_null() {
                break;
            }
            let mut attributes = Attributes::new();
            for attribute in [0, 1, 2, 3, 4, 5, 6, 7, 9, 10] {
                let mut length = 0;
                if sys::nftnl_set_elem_is_set(next, attribute) {
                    let data = sys::nftnl_set_elem_get(next, attribute, &raw mut length);
                    attributes.insert(attribute, copied(data, length).unwrap_or_default());
                }
            }
            out.push(attributes);
        }
        sys::nftnl_set_elems_iter_destroy(all);
    }
    out
}
