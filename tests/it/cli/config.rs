//! `plugins config`

use serde_json::{Value, json};

use super::both_modes;
use crate::support::{TestApp, package, program::Home};

fn json_of(home: &Home, args: &[&str]) -> Value {
    home.run(&[&["plugins", "config"], args, &["--output", "json"]].concat()).done().json()
}

fn text_of(home: &Home, args: &[&str]) -> String {
    home.run(&[&["plugins", "config"], args].concat()).done().stdout
}

async fn publish(app: &TestApp, slug: &str) {
    let schema = json!({"type": "object", "properties": {
        "color": {"type": "string", "default": "red"}, "size": {"type": "integer", "default": 1}, "more": {"type": "object"},
    }});
    let module = json!({"id": "m1", "name": "m1", "configFields": {"depth": {"type": "number", "default": 3}}});
    let demo = package(slug, "1.0.0").with("config_schema", schema).module_with(module);
    app.admin().await.publish(demo.zip(), "").await.expect(201);
}

both!(values_are_set_for_everybody_and_for_one);
async fn values_are_set_for_everybody_and_for_one(app: TestApp) {
    let ann = app.user("ann").await;
    for (home, slug) in both_modes(&app).await.into_iter().zip(["Here", "There"]) {
        publish(&app, slug).await;
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
        assert_eq!(json_of(&home, &["get", slug]), json!([]));
        assert_eq!(text_of(&home, &["set", slug, "color", "blue"]), format!("{slug} color is \"blue\" for everybody\n"));
        let size = json_of(&home, &["set", slug, "size", "5", "--user", "ann"]);
        let expected = json!({"slug": slug, "user": "ann", "module": null, "name": "size", "value": 5, "source": "user"});
        assert_eq!(size, expected);

        let all = text_of(&home, &["get", slug, "--user", "ann"]);
        assert_eq!(all, "NAME   VALUE   FROM\ncolor  \"blue\"  plugin\nsize   5       user\n");
        assert_eq!(json_of(&home, &["get", slug]), json!([{"name": "color", "value": "blue", "source": "plugin"}]));
        assert_eq!(text_of(&home, &["get", slug, "color", "--user", "ann"]), "\"blue\"\n");
        let one = json_of(&home, &["get", slug, "size", "--user", "ann"]);
        assert_eq!(one, json!({"name": "size", "value": 5, "source": "user"}));
        assert_eq!(ann.get(&format!("/api/v1/plugins/{slug}/config")).await.expect(200).json()["own"], json!({"size": 5}));

        for _ in 0..2 {
            assert_eq!(text_of(&home, &["unset", slug, "size", "--user", "ann"]), format!("{slug} size is 1 for ann\n"));
            assert_eq!(text_of(&home, &["unset", slug, "color"]), format!("{slug} color is not set for everybody\n"));
        }
        let unset = json_of(&home, &["unset", slug, "color", "--user", "ann"]);
        assert_eq!((&unset["value"], &unset["source"]), (&json!("red"), &json!("default")));
    }
}

both!(a_module_has_values_of_its_own);
async fn a_module_has_values_of_its_own(app: TestApp) {
    let ann = app.user("ann").await;
    publish(&app, "Demo").await;
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    for home in both_modes(&app).await {
        let place = ["--user", "ann", "--module", "m1"];
        let get = [&["get", "Demo"][..], &place].concat();
        assert_eq!(text_of(&home, &get), "NAME   VALUE  FROM\ndepth  3      default\n");
        let set = text_of(&home, &[&["set", "Demo", "depth", "-7.50"][..], &place].concat());
        assert_eq!(set, "Demo/m1 depth is -7.50 for ann\n");
        assert_eq!(home.run(&["plugins", "config", "get", "Demo", "depth", "--user", "ann"]).status, 1);
        let unset = json_of(&home, &[&["unset", "Demo", "depth"][..], &place].concat());
        assert_eq!((&unset["module"], &unset["value"], &unset["source"]), (&json!("m1"), &json!(3), &json!("default")));
    }
}

both!(text_that_is_no_json_is_a_string);
async fn text_that_is_no_json_is_a_string(app: TestApp) {
    publish(&app, "Demo").await;
    for home in both_modes(&app).await {
        for (text, value) in [("\"5\"", json!("5")), ("{", json!("{")), ("", json!("")), ("two words", json!("two words"))] {
            assert_eq!(json_of(&home, &["set", "Demo", "color", text])["value"], value, "{text}");
        }
        // An object is merged.
        json_of(&home, &["set", "Demo", "more", r#"{"a":1}"#]);
        assert_eq!(json_of(&home, &["set", "Demo", "more", r#"{"b":2}"#])["value"], json!({"a": 1, "b": 2}));
        json_of(&home, &["unset", "Demo", "more"]);
        json_of(&home, &["unset", "Demo", "color"]);
    }
}

both!(what_does_not_fit_is_refused);
async fn what_does_not_fit_is_refused(app: TestApp) {
    publish(&app, "Demo").await;
    let ann = app.user("ann").await;
    for home in both_modes(&app).await {
        for (args, status, why) in [
            (&["set", "Demo", "size", "big"][..], 1, "size"),
            (&["set", "Demo", "size", "null"], 2, "unset"),
            (&["get", "Demo", "absent"], 1, "absent"),
            (&["get", "Absent"], 1, "Absent"),
            (&["get", "Demo", "--user", "ann"], 1, "not found"),
            (&["get", "Demo", "--module", "m1"], 2, "--user"),
        ] {
            let refused = home.run(&[&["plugins", "config"], args].concat());
            assert_eq!((refused.status, refused.stdout.as_str()), (status, ""), "{args:?}: {refused:?}");
            assert!(refused.stderr.contains(why), "{args:?}: {refused:?}");
        }
        assert_eq!(json_of(&home, &["get", "Demo"]), json!([]));
    }
    let refused = app.remote(&ann).run(&["plugins", "config", "set", "Demo", "color", "blue"]);
    assert_eq!(refused.status, 1, "{refused:?}");
}
