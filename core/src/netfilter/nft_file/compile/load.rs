//! Fields into registers.

use super::super::ast::{Binary, Expr};
use super::super::attributes::Attributes;
use super::emit::{Emitter, register, slots};
use super::shape::{Load, Shape, shape};
use super::{Compiled, Fault, fault};

impl Emitter<'_, '_> {
    pub(super) fn shape(&self, expr: &Expr) -> Compiled<Shape> {
        shape(self.family, expr)
    }

    pub(super) fn payload(&mut self, slot: u32, base: u32, offset: u32, bytes: usize) {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.be32(2, base);
        data.be32(3, offset);
        data.be32(4, u32::try_from(bytes).unwrap_or(u32::MAX));
        self.expression("payload", &data);
    }

    pub(super) fn meta(&mut self, slot: u32, key: u32) {
        let mut data = Attributes::default();
        data.be32(2, key);
        data.be32(1, register(slot));
        self.expression("meta", &data);
    }

    /// Loads a field, without the bits beside it.
    pub(super) fn load(&mut self, slot: u32, shape: &Shape) -> Compiled {
        self.load_bytes(slot, shape)?;
        if shape.is_part() {
            let mask = mask(shape)?;
            self.bitwise(slot, &mask, &vec![0; mask.len()])?;
        }
        Ok(())
    }

    /// Loads a field so that it stands as in a named set: without bits below it.
    pub(super) fn load_plain(&mut self, slot: u32, shape: &Shape) -> Compiled {
        self.load(slot, shape)?;
        if shape.shift != 0 {
            self.shift(slot, shape.bytes, 2, shape.shift);
        }
        Ok(())
    }

    fn load_bytes(&mut self, slot: u32, shape: &Shape) -> Compiled {
        let mut data = Attributes::default();
        let into = register(slot);
        let bytes = u32::try_from(shape.bytes).unwrap_or(u32::MAX);
        match &shape.load {
            Load::Payload { base, offset } => self.payload(slot, *base, *offset, shape.bytes),
            Load::Meta(key) => self.meta(slot, *key),
            Load::Extension {
                op,
                number,
                offset,
                present,
            } => {
                data.be32(1, into);
                data.byte(2, *number);
                data.be32(3, *offset);
                data.be32(4, bytes);
                data.be32(5, u32::from(*present));
                data.be32(6, *op);
                self.expression("exthdr", &data);
            }
            Load::Ct { key, direction } => {
                data.be32(1, into);
                data.be32(2, *key);
                if let Some(direction) = direction {
                    data.byte(3, *direction);
                }
                self.expression("ct", &data);
            }
            Load::Fib { result, flags } => {
                data.be32(1, into);
                data.be32(2, *result);
                data.be32(3, *flags);
                self.expression("fib", &data);
            }
            Load::Operations { of, steps } => return self.operations(slot, of, steps),
            _ => return self.load_computed(slot, &shape.load),
        }
        Ok(())
    }

    fn load_computed(&mut self, slot: u32, load: &Load) -> Compiled {
        let mut data = Attributes::default();
        let into = register(slot);
        match load {
            Load::Route(key) => {
                data.be32(2, *key);
                data.be32(1, into);
                self.expression("rt", &data);
            }
            Load::Socket { key, level } => {
                data.be32(1, *key);
                data.be32(2, into);
                if let Some(level) = level {
                    data.be32(3, *level);
                }
                self.expression("socket", &data);
            }
            Load::Fingerprint { ttl, version } => {
                data.byte(2, *ttl);
                data.be32(3, u32::from(*version));
                data.be32(1, into);
                self.expression("osf", &data);
            }
            Load::NumberGenerator {
                random,
                modulus,
                offset,
            } => {
                data.be32(1, into);
                data.be32(2, *modulus);
                data.be32(3, u32::from(*random));
                data.be32(4, *offset);
                self.expression("numgen", &data);
            }
            Load::Ipsec {
                key,
                direction,
                number,
            } => {
                data.be32(1, into);
                data.be32(2, *key);
                data.byte(3, *direction);
                data.be32(4, *number);
                self.expression("xfrm", &data);
            }
            Load::Hash {
                key,
                modulus,
                seed,
                offset,
            } => return self.hash(slot, key.as_deref(), *modulus, *seed, *offset),
            _ => return fault("this field can't be loaded"),
        }
        Ok(())
    }

    fn hash(
        &mut self,
        slot: u32,
        key: Option<&Expr>,
        modulus: u32,
        seed: Option<u32>,
        offset: u32,
    ) -> Compiled {
        let mut data = Attributes::default();
        if let Some(key) = key {
            let from = slot.saturating_add(4);
            let length = self.load_key(from, key, false)?;
            data.be32(1, register(from));
            data.be32(2, register(slot));
            data.be32(3, u32::try_from(length).unwrap_or(u32::MAX));
            data.be32(4, modulus);
            if let Some(seed) = seed {
                data.be32(5, seed);
            }
            if offset != 0 {
                data.be32(6, offset);
            }
            data.be32(7, 0);
        } else {
            data.be32(2, register(slot));
            data.be32(4, modulus);
            if offset != 0 {
                data.be32(6, offset);
            }
            data.be32(7, 1);
        }
        self.expression("hash", &data);
        Ok(())
    }

    /// Loads a field or several side by side and says how many bytes of registers they fill. `plain`: as in a named set.
    pub(super) fn load_key(&mut self, slot: u32, key: &Expr, plain: bool) -> Compiled<usize> {
        let parts = match key {
            Expr::Concat(parts) => parts.as_slice(),
            one => {
                let shape = self.shape(one)?;
                if plain {
                    self.load_plain(slot, &shape)?;
                } else {
                    self.load(slot, &shape)?;
                }
                return Ok(shape.bytes);
            }
        };
        let mut at = slot;
        for part in parts {
            let shape = self.shape(part)?;
            if plain {
                self.load_plain(at, &shape)?;
            } else {
                self.load(at, &shape)?;
            }
            at = at.saturating_add(slots(shape.bytes));
        }
        usize::try_from(at.saturating_sub(slot).saturating_mul(4)).map_err(|_| Fault("too long".to_owned()))
    }

    fn operations(&mut self, slot: u32, of: &Shape, steps: &[(Binary, Expr)]) -> Compiled {
        self.load(slot, of)?;
        let all = vec![0xff; of.bytes];
        let none = vec![0; of.bytes];
        let (mut mask, mut xor) = (all.clone(), none.clone());
        let mut pending = false;
        for (binary, value) in steps {
            if matches!(binary, Binary::Left | Binary::Right) {
                if std::mem::take(&mut pending) {
                    self.bitwise(slot, &mask, &xor)?;
                    (mask, xor) = (all.clone(), none.clone());
                }
                let by = u32::try_from(self.integer(value, of.ty)?)
                    .map_err(|_| Fault("no such shift".to_owned()))?;
                self.shift(slot, of.bytes, if *binary == Binary::Left { 1 } else { 2 }, by);
                continue;
            }
            let value = self.constant(value, of)?;
            for ((mask, xor), value) in mask.iter_mut().zip(&mut xor).zip(value) {
                match binary {
                    Binary::And => (*mask, *xor) = (*mask & value, *xor & value),
                    Binary::Or => (*mask, *xor) = (*mask & !value, *xor & !value | value),
                    _ => *xor ^= value,
                }
            }
            pending = true;
        }
        if pending {
            self.bitwise(slot, &mask, &xor)?;
        }
        Ok(())
    }
}

/// The bits of a field among the bytes loaded.
pub(super) fn mask(shape: &Shape) -> Compiled<Vec<u8>> {
    let ones = if shape.ty.bits >= 128 {
        u128::MAX
    } else {
        (1_u128 << shape.ty.bits) - 1
    };
    super::constant::encode(ones, shape)
}
