//! Numbers of `linux/netfilter/nf_tables.h` and `linux/netfilter/nfnetlink.h`.

/// `NLMSG_ERROR`: the kernel's answer to a request that it refuses (`linux/netlink.h`).
pub const REFUSED: u16 = 2;

/// `NFNL_SUBSYS_NFTABLES`, the high byte of the message type.
pub const SUBSYSTEM: u16 = 10 << 8;

/// `NFT_MSG_NEWTABLE`.
pub const NEW_TABLE: u16 = SUBSYSTEM;
/// `NFT_MSG_GETTABLE`.
pub const GET_TABLE: u16 = SUBSYSTEM | 1;
/// `NFT_MSG_NEWCHAIN`.
pub const NEW_CHAIN: u16 = SUBSYSTEM | 3;
/// `NFT_MSG_GETCHAIN`.
pub const GET_CHAIN: u16 = SUBSYSTEM | 4;
/// `NFT_MSG_NEWRULE`.
pub const NEW_RULE: u16 = SUBSYSTEM | 6;
/// `NFT_MSG_GETRULE`.
pub const GET_RULE: u16 = SUBSYSTEM | 7;
/// `NFT_MSG_NEWSET`.
pub const NEW_SET: u16 = SUBSYSTEM | 9;
/// `NFT_MSG_GETSET`.
pub const GET_SET: u16 = SUBSYSTEM | 10;
/// `NFT_MSG_NEWSETELEM`.
pub const NEW_ELEMENTS: u16 = SUBSYSTEM | 12;
/// `NFT_MSG_GETSETELEM`.
pub const GET_ELEMENTS: u16 = SUBSYSTEM | 13;
/// `NFT_MSG_NEWGEN`.
pub const NEW_GENERATION: u16 = SUBSYSTEM | 15;
/// `NFT_MSG_GETGEN`.
pub const GET_GENERATION: u16 = SUBSYSTEM | 16;
/// `NFT_MSG_NEWOBJ`.
pub const NEW_OBJECT: u16 = SUBSYSTEM | 18;
/// `NFT_MSG_GETOBJ`.
pub const GET_OBJECT: u16 = SUBSYSTEM | 19;
/// `NFT_MSG_NEWFLOWTABLE`.
pub const NEW_FLOWTABLE: u16 = SUBSYSTEM | 22;
/// `NFT_MSG_GETFLOWTABLE`.
pub const GET_FLOWTABLE: u16 = SUBSYSTEM | 23;

/// `NFT_SET_ANONYMOUS`.
pub const SET_ANONYMOUS: u32 = 0x1;
/// `NFT_SET_CONSTANT`.
pub const SET_CONSTANT: u32 = 0x2;
/// `NFT_SET_INTERVAL`.
pub const SET_INTERVAL: u32 = 0x4;
/// `NFT_SET_MAP`.
pub const SET_MAP: u32 = 0x8;
/// `NFT_SET_TIMEOUT`.
pub const SET_TIMEOUT: u32 = 0x10;
/// `NFT_SET_EVAL`: packets add elements.
pub const SET_EVAL: u32 = 0x20;
/// `NFT_SET_OBJECT`.
pub const SET_OBJECT: u32 = 0x40;
/// `NFT_SET_CONCAT`.
pub const SET_CONCAT: u32 = 0x80;

/// `NFT_SET_ELEM_INTERVAL_END`.
pub const ELEMENT_INTERVAL_END: u32 = 0x1;
/// `NFT_SET_ELEM_CATCHALL`.
pub const ELEMENT_CATCHALL: u32 = 0x2;

/// `NFT_CHAIN_HW_OFFLOAD`.
pub const CHAIN_OFFLOAD: u32 = 0x2;
/// `NFT_CHAIN_BINDING`: a chain without a name of its own, held by the rule that jumps to it.
pub const CHAIN_BINDING: u32 = 0x4;

/// `NFT_DATA_VERDICT`, the data type of verdict maps.
pub const DATA_VERDICT: u32 = 0xffff_ff00;
