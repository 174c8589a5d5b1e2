//! Maps of servers for serde: as a list of pairs. Where the keys of a map must be text, as in JSON, serde
//! sometimes loses the fact that they were numbers.

use crate::NodeId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

pub(crate) fn serialize<T: Serialize, S: Serializer>(
    map: &BTreeMap<NodeId, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<NodeId, T>, D::Error> {
    Vec::<(NodeId, T)>::deserialize(deserializer).map(BTreeMap::from_iter)
}
