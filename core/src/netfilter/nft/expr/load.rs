//! Expressions that load a field into a register.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{Field, Op, Statement, Value};
use crate::netfilter::nft::field::{self, Context, Loaded};
use crate::netfilter::nft::message;

/// `NFT_EXTHDR_F_PRESENT`.
const PRESENT: u32 = 1;

/// `enum nft_inner_type`, `enum nft_inner_flags`, length of the tunnel's header: which tunnel it is, and what its packets begin
/// with. Only the combinations that `nft` has words for.
const TUNNELS: [(u32, u32, u32, &str, Option<&str>); 4] = [
    (1, 0xf, 8, "vxlan", Some("ether")),
    (2, 0xf, 8, "geneve", Some("ether")),
    (0, 0xc, 4, "gre", None),
    (0, 0xe, 4, "gretap", Some("ether")),
];

impl<'a> Reader<'_, 'a> {
    /// `enum nft_payload_attributes`.
    pub(super) fn payload(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7, 8])?;
        let (base, offset, length) = (attributes.be32(2)?, attributes.be32(3)?, attributes.length(4)?);
        if attributes.has(5) {
            return self.write(&attributes, (base, offset, length));
        }
        let field = field::payload(&self.context, base, offset, length);
        let unnamed = field.name.starts_with('@');
        let fields = unnamed.then(|| field::split(&self.context, base, offset, length));
        let symbol = match fields.flatten() {
            Some(fields) => Symbol::Fields { fields, whole: field },
            None => Symbol::Field { field, length },
        };
        self.store(attributes.be32(1)?, length, symbol)
    }

    /// `enum nft_exthdr_attributes`: a field of an option is read, written, or the whole option is taken out.
    pub(super) fn exthdr(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7])?;
        let op = attributes.opt_be32(6)?.unwrap_or(0);
        let number = attributes.opt_u8(2)?.ok_or(NotUnderstood)?;
        let flags = attributes.opt_be32(5)?.unwrap_or(0);
        if flags & !PRESENT != 0 {
            return Err(NotUnderstood);
        }
        let (offset, length) = (
            attributes.opt_be32(3)?.unwrap_or(0),
            attributes.opt_be32(4)?.unwrap_or(0),
        );
        let length = usize::try_from(length).map_err(|_| NotUnderstood)?;
        let field = || field::option(op, number, offset, length).ok_or(NotUnderstood);
        match (attributes.opt_be32(1)?, attributes.opt_be32(7)?) {
            // What is loaded of an option that is only asked for has no meaning but "there".
            (Some(register), None) if flags & PRESENT != 0 => {
                let at_its_beginning = offset == 0 && length == 1;
                let field = field::presence(op, number).filter(|_| at_its_beginning);
                self.load(register, field.ok_or(NotUnderstood)?)
            }
            (Some(register), None) => self.load(register, field()?),
            (None, Some(register)) if flags == 0 => self.assign(register, &field()?),
            (None, None) if flags == 0 && offset == 0 && length == 0 => {
                let option = field::option_name(op, number).ok_or(NotUnderstood)?;
                self.statement(Statement::ResetOption {
                    option: Field(option),
                });
                Ok(())
            }
            _ => Err(NotUnderstood),
        }
    }

    /// `enum nft_meta_attributes`.
    pub(super) fn meta(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::meta(attributes.be32(2)?).ok_or(NotUnderstood)?;
        match attributes.opt_be32(3)? {
            Some(register) => self.assign(register, &field),
            None => self.load(attributes.be32(1)?, field),
        }
    }

    /// `enum nft_ct_attributes`.
    pub(super) fn ct(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let field =
            field::ct(&self.context, attributes.be32(2)?, attributes.opt_u8(3)?).ok_or(NotUnderstood)?;
        match attributes.opt_be32(4)? {
            Some(register) => self.assign(register, &field),
            None => self.load(attributes.be32(1)?, field),
        }
    }

    /// `enum nft_fib_attributes`.
    pub(super) fn fib(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::fib(attributes.be32(2)?, attributes.be32(3)?);
        self.load(attributes.be32(1)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_rt_attributes`.
    pub(super) fn route(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2])?;
        let field = field::route(attributes.be32(2)?);
        self.load(attributes.be32(1)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_socket_attributes`.
    pub(super) fn socket(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::socket(attributes.be32(1)?, attributes.opt_be32(3)?);
        self.load(attributes.be32(2)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_osf_attributes`.
    pub(super) fn osf(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::osf(
            attributes.opt_u8(2)?.unwrap_or(0),
            attributes.opt_be32(3)?.unwrap_or(0),
        );
        self.load(attributes.be32(1)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_xfrm_attributes`.
    pub(super) fn xfrm(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let direction = attributes.opt_u8(3)?.ok_or(NotUnderstood)?;
        let number = attributes.opt_be32(4)?.unwrap_or(0);
        let field = field::xfrm(attributes.be32(2)?, direction, number);
        self.load(attributes.be32(1)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_tunnel_attributes`.
    pub(super) fn tunnel(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::tunnel(attributes.be32(1)?, attributes.opt_be32(3)?.unwrap_or(0));
        self.load(attributes.be32(2)?, field.ok_or(NotUnderstood)?)
    }

    /// `enum nft_inner_attributes`: a load from the packet inside a tunnel.
    pub(super) fn inner(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5])?;
        let kind = (attributes.be32(2)?, attributes.be32(3)?, attributes.be32(4)?);
        let tunnel = TUNNELS.iter().find(|row| (row.0, row.1, row.2) == kind);
        let &(_, _, _, word, link) = tunnel.ok_or(NotUnderstood)?;
        if attributes.be32(1)? != 0 {
            return Err(NotUnderstood);
        }
        let (name, data) = message::expression(attributes.attr(5)?)?;
        let destination = match name {
            "payload" => Attributes::read(data, &[1, 2, 3, 4])?.be32(1)?,
            "meta" => Attributes::read(data, &[1, 2])?.be32(1)?,
            _ => return Err(NotUnderstood),
        };
        let inside = self.inside.take().filter(|inside| inside.tunnel == Some(word));
        let inside = inside.unwrap_or_else(|| Context {
            link,
            tunnel: Some(word),
            ..Context::default()
        });
        let outside = std::mem::replace(&mut self.context, inside);
        let done = self.expression(name, data);
        self.inside = Some(std::mem::replace(&mut self.context, outside));
        done?;
        let within = |field: &mut Loaded| {
            let of_tunnel = field.name.split('.').next() == Some(word);
            if !of_tunnel {
                field.name = format!("{word}.{}", field.name);
            }
            // Its parts are named by the packet inside, so not by its place.
            field.place = None;
        };
        let mut symbol = self.loaded(destination)?.clone();
        let length = match &mut symbol {
            Symbol::Field { field, length } => {
                within(field);
                *length
            }
            Symbol::Fields { fields, whole } => {
                fields.iter_mut().for_each(within);
                within(whole);
                whole.width
            }
            _ => return Err(NotUnderstood),
        };
        self.store(destination, length, symbol)
    }

    fn load(&mut self, register: u32, field: Loaded) -> Understood {
        let length = field.width;
        self.store(register, length, Symbol::Field { field, length })
    }

    /// A match on a field by name, for what the context learns.
    pub(super) fn matched_field(&mut self, field: &Loaded, op: Op, value: Value) {
        self.matched(&field.name, op, value);
    }
}
