//! The groups in memory, with what every push asks of all of them: how many samples there are, and of which type a name is.

use std::collections::{BTreeMap, HashMap};

use bellbuoy_exposition::Family;
use bellbuoy_vocabulary::MetricType;

use super::{Group, Key};

#[derive(Default)]
pub struct Groups {
    by_key: BTreeMap<Key, Group>,
    samples: usize,
    /// By family name: types, and how many groups have it so.
    types: HashMap<String, Vec<(MetricType, usize)>>,
}

impl Groups {
    pub fn get(&self, key: &Key) -> Option<&Group> {
        self.by_key.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Group)> {
        self.by_key.iter()
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn samples(&self) -> usize {
        self.samples
    }

    /// What was there before.
    pub fn put(&mut self, key: Key, group: Option<Group>) -> Option<Group> {
        if let Some(group) = &group {
            self.samples += group.samples();
            group.families.values().for_each(|family| self.count(family));
        }
        let before = match group {
            Some(group) => self.by_key.insert(key, group),
            None => self.by_key.remove(&key),
        };
        if let Some(before) = &before {
            self.samples -= before.samples();
            before.families.values().for_each(|family| self.uncount(family));
        }
        before
    }

    /// No family is of a type that another group pushed otherwise.
    pub fn agree(&self, key: &Key, families: &[Family]) -> Result<(), String> {
        let own = self.by_key.get(key);
        for family in families {
            let own = own.and_then(|group| group.families.get(&family.name)).map(|family| family.kind);
            for (kind, groups) in self.types.get(&family.name).into_iter().flatten() {
                let others = groups - usize::from(own == Some(*kind));
                if *kind != family.kind && others > 0 {
                    return Err(format!("metric family {} has type {}, another group pushed it as {kind}", family.name, family.kind));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, family: &Family) {
        let types = self.types.entry(family.name.clone()).or_default();
        match types.iter_mut().find(|(kind, _)| *kind == family.kind) {
            Some((_, groups)) => *groups += 1,
            None => types.push((family.kind, 1)),
        }
    }

    fn uncount(&mut self, family: &Family) {
        let Some(types) = self.types.get_mut(&family.name) else { return };
        types.iter_mut().filter(|(kind, _)| *kind == family.kind).for_each(|(_, groups)| *groups -= 1);
        types.retain(|(_, groups)| *groups > 0);
        if types.is_empty() {
            self.types.remove(&family.name);
        }
    }
}
