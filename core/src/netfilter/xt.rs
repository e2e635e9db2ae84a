//! xtables: the structures of legacy entries, which are also the payloads of `nft_compat` expressions.
