//! What can happen between two snapshots.

use serde::Serialize;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $word:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Kind {
            /// The word as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

kinds! {
    /// The ruleset moved between legacy xtables and nf_tables.
    PlaneChanged => "plane_changed",
    /// A table with all that is in it.
    TableAdded => "table_added",
    /// A table with all that was in it.
    TableRemoved => "table_removed",
    /// `dormant` and its like.
    TableFlagsChanged => "table_flags_changed",
    /// A chain with all its rules.
    ChainAdded => "chain_added",
    /// A chain with all its rules.
    ChainRemoved => "chain_removed",
    /// `filter`, `nat`, `route`.
    ChainTypeChanged => "chain_type_changed",
    /// The hook, or whether there is one at all.
    HookChanged => "hook_changed",
    /// The place among the chains of one hook.
    PriorityChanged => "priority_changed",
    /// What becomes of packets that no rule decides.
    PolicyChanged => "policy_changed",
    /// The devices that a chain hangs on.
    DevicesChanged => "devices_changed",
    /// Whether a chain is offloaded to hardware.
    OffloadChanged => "offload_changed",
    /// The order of base chains that share a hook and a priority.
    HookOrderChanged => "hook_order_changed",
    /// A rule that was not there.
    RuleAdded => "rule_added",
    /// A rule that is gone.
    RuleRemoved => "rule_removed",
    /// Another rule in the same place.
    RuleChanged => "rule_changed",
    /// The same rule, before or behind others.
    RuleMoved => "rule_moved",
    /// So many repeated rules in another order that no single changes can be told.
    RulesReplacedWholesale => "rules_replaced_wholesale",
    /// A comment of a table, chain, rule, set, element or object, and nothing else of it.
    CommentChanged => "comment_changed",
    /// Attributes of a table or chain that this version does not know.
    AttributesChanged => "attributes_changed",
    /// A named set or map with its elements.
    SetAdded => "set_added",
    /// A named set or map with its elements.
    SetRemoved => "set_removed",
    /// What the keys or values of a set are.
    SetTypeChanged => "set_type_changed",
    /// `interval`, `timeout`, `dynamic` and their like.
    SetFlagsChanged => "set_flags_changed",
    /// How long elements stay.
    SetTimeoutChanged => "set_timeout_changed",
    /// Size, policy, collection interval, or what new elements carry.
    SetChanged => "set_changed",
    /// An element that was not there.
    SetElementAdded => "set_element_added",
    /// An element that is gone.
    SetElementRemoved => "set_element_removed",
    /// What an element stands for or carries.
    SetElementChanged => "set_element_changed",
    /// A named object or flowtable.
    ObjectAdded => "object_added",
    /// A named object or flowtable.
    ObjectRemoved => "object_removed",
    /// A named object or flowtable.
    ObjectChanged => "object_changed",
    /// A queueing discipline.
    QdiscAdded => "qdisc_added",
    /// A queueing discipline.
    QdiscRemoved => "qdisc_removed",
    /// A queueing discipline.
    QdiscChanged => "qdisc_changed",
    /// A class of a queueing discipline.
    ClassAdded => "class_added",
    /// A class of a queueing discipline.
    ClassRemoved => "class_removed",
    /// A class of a queueing discipline.
    ClassChanged => "class_changed",
    /// A filter of traffic control, with its actions.
    FilterAdded => "filter_added",
    /// A filter of traffic control, with its actions.
    FilterRemoved => "filter_removed",
    /// Another filter in the same place, or several of its actions at once.
    FilterChanged => "filter_changed",
    /// The same filter, before or behind others of its priority.
    FilterMoved => "filter_moved",
    /// One action of a filter.
    ActionAdded => "action_added",
    /// One action of a filter.
    ActionRemoved => "action_removed",
    /// One action of a filter.
    ActionChanged => "action_changed",
    /// A chain of filters that is empty or has a template.
    FilterChainAdded => "filter_chain_added",
    /// A chain of filters that is empty or has a template.
    FilterChainRemoved => "filter_chain_removed",
    /// The template of a chain of filters.
    FilterChainChanged => "filter_chain_changed",
    /// A network interface.
    LinkAdded => "link_added",
    /// A network interface.
    LinkRemoved => "link_removed",
    /// A network interface.
    LinkChanged => "link_changed",
    /// A route.
    RouteAdded => "route_added",
    /// A route.
    RouteRemoved => "route_removed",
    /// A route.
    RouteChanged => "route_changed",
    /// A fact of a section that is a list of facts.
    FactAdded => "fact_added",
    /// A fact of a section that is a list of facts.
    FactRemoved => "fact_removed",
    /// Properties of a fact.
    FactChanged => "fact_changed",
    /// A network namespace with everything in it.
    NamespaceAdded => "namespace_added",
    /// A network namespace with everything in it.
    NamespaceRemoved => "namespace_removed",
    /// The configurations differ in a way that no other kind names.
    SectionChanged => "section_changed",
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
