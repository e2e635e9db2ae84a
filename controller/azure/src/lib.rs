//! A thin client of Azure Resource Manager.
