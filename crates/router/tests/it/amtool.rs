//! 200 answers of amtool 0.33.1 (`config routes test`) for 40 random route trees, recorded in amtool_routes.txt.

use bellbuoy_router::Router;
use bellbuoy_vocabulary::Labels;

use crate::reload::settings;

#[test]
fn the_same_receivers_as_amtool() {
    let text = include_str!("amtool_routes.txt");
    let mut asked = 0;
    for tree in text.split("TREE\n").filter(|tree| !tree.is_empty()) {
        let (questions, routes): (Vec<&str>, Vec<&str>) = tree.lines().partition(|line| line.starts_with("ASK "));
        let router = Router::new(settings(&routes.join("\n")));
        for question in questions {
            let (pairs, receivers) = question["ASK ".len()..].split_once("=> ").expect("the file has this form");
            let labels = Labels::from_pairs(pairs.split_whitespace().filter_map(|pair| pair.split_once('=')));
            assert_eq!(router.routes_of(&labels).join(","), receivers, "{labels} in\n{}", routes.join("\n"));
            asked += 1;
        }
    }
    assert_eq!(asked, 200);
}
