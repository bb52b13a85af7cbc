//! Journals of every released format, verified by the program as it is today.

mod support;

use std::path::Path;

use support::*;

#[test]
fn every_released_journal_verifies_to_the_states_it_was_recorded_with() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay/tests/golden");
    let mut seen = 0;
    let site = Site::new(CONFIG);
    for entry in std::fs::read_dir(&golden).expect("golden data directories") {
        let directory = entry.expect("an entry").path();
        let data_dir = directory.to_str().expect("an ASCII path");
        let exit = site.run(&["replay", "verify", "--data-dir", data_dir, "--state-hash-every", "100"]);
        let expected = std::fs::read_to_string(directory.join("expected")).expect("what was recorded");
        assert_eq!(exit.code, Some(0), "{data_dir}: {}", exit.stderr);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (mut found, mut expected) = (lines(&exit.stdout), lines(&expected));
        let json = |line: Option<String>| -> serde_json::Value {
            serde_json::from_str(&line.expect("a line")).expect("JSON")
        };
        assert_eq!(json(found.pop()), json(expected.pop()), "{data_dir}");
        assert_eq!(found, expected, "{data_dir}");
        seen += 1;
    }
    assert!(seen >= 2, "golden directories are there");
}
