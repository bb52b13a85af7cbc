//! A configuration for this host's cores: layout, waiting and pins; everything else of the file stays as it is.

use std::collections::BTreeSet;

use ringside_venue::Config;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::kernel::disk_node;
use super::wanted::Wanted;
use crate::host::Host;

/// Cores as the host tells of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// One core of each pair of siblings, those of the disk's node first. All may be used.
    pub physical: Vec<usize>,
    /// Those that the scheduler leaves alone.
    pub isolated: BTreeSet<usize>,
}

/// Where everything goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suggestion {
    /// `pipeline.layout`
    pub layout: &'static str,
    /// `pipeline.wait`
    pub wait: &'static str,
    /// `pipeline.cores`
    pub cores: Vec<(&'static str, usize)>,
    /// `pipeline.cores.further_gateways`
    pub further: Vec<usize>,
}

impl Machine {
    /// Reads the topology.
    pub fn of(host: &Host, wanted: &Wanted) -> Self {
        let isolated = host.isolated();
        let usable: BTreeSet<usize> = host.allowed().union(&isolated).copied().collect();
        let near = disk_node(host, wanted)
            .and_then(|node| host.cores(&format!("sys/devices/system/node/node{node}/cpulist")));
        let first_of_its_core = |core: &usize| {
            let path = format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
            let siblings = host.cores(&path).unwrap_or_default();
            siblings.iter().find(|sibling| usable.contains(sibling)).is_none_or(|first| first == core)
        };
        let mut physical: Vec<usize> = usable.iter().copied().filter(first_of_its_core).collect();
        physical.sort_by_key(|core| near.as_ref().is_some_and(|near| !near.contains(core)));
        Machine { physical, isolated }
    }

    /// Stages, and gateways beyond the first, get cores of their own where there are enough; the first of all stays with the
    /// kernel and its interrupts. Where not even every gateway can have one, nothing is pinned.
    pub fn suggestion(&self, gateways: usize) -> Suggestion {
        let shared: Vec<usize> =
            self.physical.iter().copied().filter(|core| !self.isolated.contains(core)).collect();
        let house = shared.iter().min().or(self.physical.iter().min()).copied().unwrap_or(0);
        let others = self.physical.iter().copied().filter(|core| *core != house);
        // Isolated ones first: that is what they were isolated for.
        let (mut own, rest): (Vec<usize>, Vec<usize>) = others.partition(|core| self.isolated.contains(core));
        own.extend(rest);
        let taken = own.len().min(2 + gateways);
        let beside = own[taken..].iter().copied().find(|core| !self.isolated.contains(core)).unwrap_or(house);
        let helpers = [("admin", house), ("snapshot", beside), ("helpers", house)];
        let further = own.split_off(taken.saturating_sub(gateways - 1));
        let (layout, wait, stages) = match own[..] {
            [] => {
                return Suggestion {
                    layout: "two-cores",
                    wait: "auto",
                    cores: Vec::new(),
                    further: Vec::new(),
                };
            }
            [all] => ("two-cores", "auto", [all; 3]),
            [core, log] => ("three-cores", "auto", [core, log, core]),
            [gate, log, book, ..] => ("host", "spin", [gate, log, book]),
        };
        let further = further.into_iter().take(gateways - 1).collect();
        let stages = ["gateway", "journal", "engine"].into_iter().zip(stages);
        Suggestion { layout, wait, cores: stages.chain(helpers).collect(), further }
    }
}

/// The text with another `[pipeline]`; comments and all other keys stay. The error says what is wrong with either.
pub fn rewritten(name: &str, text: &str, suggestion: &Suggestion) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{name}: {error}"))?;
    let pipeline = document.entry("pipeline").or_insert_with(|| Item::Table(Table::new()));
    pipeline["layout"] = value(suggestion.layout);
    pipeline["wait"] = value(suggestion.wait);
    let mut cores = Table::new();
    for (key, core) in &suggestion.cores {
        // Cores are counted in thousands at most.
        cores[key] = value(*core as i64);
    }
    if !suggestion.further.is_empty() {
        let further: Array = suggestion.further.iter().map(|core| *core as i64).collect();
        cores["further_gateways"] = value(further);
    }
    pipeline["cores"] = Item::Table(cores);
    let text = document.to_string();
    Config::parse(name, &text).map_err(|error| error.to_string())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_venue::config::{DEMO, Layout};

    fn machine(physical: &[usize], isolated: &[usize]) -> Machine {
        Machine { physical: physical.to_vec(), isolated: isolated.iter().copied().collect() }
    }

    fn stages(machine: &Machine) -> Vec<usize> {
        machine.suggestion(1).cores.iter().take(3).map(|(_, core)| *core).collect()
    }

    #[test]
    fn a_host_of_four_cores_gets_a_core_for_each_stage_and_one_for_the_kernel() {
        let four = machine(&[0, 1, 2, 3], &[]);
        assert_eq!((four.suggestion(1).layout, four.suggestion(1).wait), ("host", "spin"));
        assert_eq!(stages(&four), [1, 2, 3]);
        assert!(four.suggestion(1).cores[3..].iter().all(|(_, core)| *core == 0));
    }

    #[test]
    fn isolated_cores_are_for_stages_and_snapshots_stay_off_them() {
        let eight = machine(&[0, 1, 2, 3, 4, 5, 6, 7], &[5, 6, 7]);
        assert_eq!(stages(&eight), [5, 6, 7]);
        assert!(eight.suggestion(1).cores.contains(&("snapshot", 1)));
    }

    #[test]
    fn few_cores_share_their_stages() {
        assert_eq!(machine(&[0, 1, 2], &[]).suggestion(1).layout, "three-cores");
        assert_eq!(stages(&machine(&[0, 1, 2], &[])), [1, 2, 1]);
        assert_eq!(stages(&machine(&[0, 1], &[])), [1, 1, 1]);
        assert_eq!(machine(&[0], &[]).suggestion(1).cores, []);
    }

    #[test]
    fn what_is_suggested_is_a_configuration_on_any_machine() {
        for (count, gateways) in (1..=16).flat_map(|count| (1..=8).map(move |gateways| (count, gateways))) {
            let cores: Vec<usize> = (0..count).collect();
            let suggestion = machine(&cores, &[]).suggestion(gateways);
            let text = format!("pipeline.gateways = {gateways}\n{DEMO}");
            let text = rewritten("demo", &text, &suggestion).unwrap();
            let pipeline = Config::parse("demo", &text).unwrap().pipeline;
            assert_eq!(pipeline.layout == Layout::Host, count >= 3 + gateways, "{text}");
            let plan = ringside_venue::layout::plan(&pipeline, count);
            assert!(plan.is_ok(), "{count} cores, {gateways} gateways: {plan:?}");
            let pinned: Vec<_> = pipeline.cores.further_gateways.into_iter().flatten().collect();
            assert_eq!(pinned.len(), if count > gateways { gateways - 1 } else { 0 }, "{text}");
            let stages = [pipeline.cores.gateway, pipeline.cores.journal, pipeline.cores.engine];
            assert!(pinned.iter().all(|core| !stages.contains(&Some(*core))), "{text}");
        }
    }

    #[test]
    fn the_rest_of_the_file_stays_as_it_is() {
        let text = format!(
            "# ours\n[pipeline]\napply = \"after-durable\" # why\n[pipeline.cores]\negress = 9\ngateway = 9\n{DEMO}"
        );
        let text = text.replacen("\ndata_dir = \"data\"\n", "\n", 1);
        let suggested = rewritten("x", &text, &machine(&[0, 1, 2, 3], &[]).suggestion(1)).unwrap();
        assert!(suggested.contains("# ours") && suggested.contains("apply = \"after-durable\" # why"));
        assert!(!suggested.contains("egress"), "egress follows the gateway: {suggested}");
    }
}
