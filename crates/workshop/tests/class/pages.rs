use super::rig::Rig;

#[tokio::test]
async fn every_chapter_is_a_page_and_a_missing_one_lists_the_chapters() {
    let rig = Rig::new().await;
    let index = rig.get("/workshop").await;
    assert_eq!(index.status, 200);
    assert!(index.head.contains("content-security-policy: default-src 'self'"), "{}", index.head);
    for chapter in feedlab_workshop::chapter::all() {
        let link = format!("href=\"./workshop/{}\"", chapter.name);
        assert!(index.body.contains(&link), "{link}");
        let page = rig.get(&format!("/workshop/{}", chapter.name)).await;
        assert_eq!((page.status, page.body.contains("<main")), (200, true), "{}", chapter.name);
    }
    let absent = rig.get("/workshop/no%3Cscript%3E").await;
    assert_eq!(absent.status, 404);
    assert!(absent.body.contains("no&lt;script&gt;") && absent.body.contains("The chapters are:"), "{}", absent.body);
    assert_eq!(rig.get(&format!("/workshop/{}", "x".repeat(5000))).await.status, 404);
}

#[tokio::test]
async fn code_and_texts_are_shown_and_no_other_files() {
    let rig = Rig::new().await;
    let code = rig.get("/workshop/source/crates/server/src/transport/sse.rs").await;
    assert!(code.status == 200 && code.body.contains("id=\"L1\""), "{}", code.status);
    assert!(rig.get("/workshop/source/docs/wire.md").await.body.contains("<h1"));
    let picture = rig.get("/workshop/source/docs/images/report.png").await;
    assert!(picture.head.contains("content-type: image/png"), "{}", picture.head);
    for absent in ["Cargo.toml", "docs/../Cargo.toml", "docs/%2e%2e/Cargo.toml", "%2fetc/passwd", "docs/absent.md"] {
        assert_eq!(rig.get(&format!("/workshop/source/{absent}")).await.status, 404, "{absent}");
    }
}

#[tokio::test]
async fn the_files_of_the_pages_have_the_right_media_types() {
    let rig = Rig::new().await;
    for (name, media_type) in [
        ("workshop.css", "text/css"),
        ("common.js", "text/javascript"),
        ("chapter.js", "text/javascript"),
        ("class.js", "text/javascript"),
        ("follow.js", "text/javascript"),
        ("join.js", "text/javascript"),
        ("votes.js", "text/javascript"),
    ] {
        let file = rig.get(&format!("/workshop/page/{name}")).await;
        assert!(file.status == 200 && file.head.contains(media_type), "{name}: {}", file.head);
        assert!(!file.body.contains("http://") && !file.body.contains("https://"), "{name} loads from another server");
    }
    for absent in ["shell.html", "absent.js", "..%2fclass.rs", "..%2f..%2fCargo.toml"] {
        assert_eq!(rig.get(&format!("/workshop/page/{absent}")).await.status, 404, "{absent}");
    }
}

#[tokio::test]
async fn the_class_page_lists_every_question() {
    let rig = Rig::new().await;
    let page = rig.get("/workshop/class").await;
    assert_eq!(page.status, 200);
    for id in ["late", "seventh"] {
        assert!(page.body.contains(&format!("<option value=\"{id}\">")), "{id}");
        assert!(page.body.contains(&format!("class=\"hands\" data-question=\"{id}\"")), "{id}");
    }
    assert!(!page.body.contains("Six connections"), "the page does not contain the answer before it is requested");
    assert!(page.body.contains("<b>192.168.1.5:8080/join</b>") && page.body.contains("<svg class=\"qr\""), "W3");
    assert!(!page.body.contains(rig.token.secret()), "the token is nowhere but in the instructor's address");
}

/// Resolves a link on a page that a reverse proxy serves below `/lab`, as a browser does (RFC 3986, section 5.2.4), as
/// far as these links need it.
fn resolve(page: &str, link: &str) -> String {
    let mut folders: Vec<&str> = page.split('/').collect();
    folders.pop();
    for part in link.split(['#', '?']).next().unwrap_or_default().split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            part => folders.push(part),
        }
    }
    folders.join("/")
}

#[tokio::test]
async fn f14_every_link_of_every_page_stays_below_the_path_prefix_of_the_page() {
    let rig = Rig::new().await;
    let mut pages: Vec<String> = [
        "/workshop",
        "/workshop/",
        "/workshop/class",
        "/join",
        "/workshop/no-such-chapter",
        "/workshop/source/docs",
        "/workshop/source/docs/workshop/README.md",
        "/workshop/source/crates/server/src/hub.rs",
    ]
    .map(str::to_owned)
    .into();
    pages.extend(feedlab_workshop::chapter::all().iter().map(|chapter| format!("/workshop/{}", chapter.name)));
    let (mut links, mut files) = (0, std::collections::BTreeSet::new());
    for page in pages {
        let body = rig.get(&page).await.body;
        let attributes = ["href=\"", "src=\""].map(|attribute| body.split(attribute).skip(1)).into_iter().flatten();
        for link in attributes.map(|rest| rest.split('"').next().unwrap()) {
            if link.starts_with('#') || link.contains(':') {
                continue;
            }
            let to = resolve(&format!("/lab{page}"), link);
            let below =
                to.strip_prefix("/lab/").unwrap_or_else(|| panic!("the link {link} of {page} leaves the prefix"));
            files.insert(format!("/{below}"));
            links += 1;
        }
    }
    for file in files {
        assert_eq!(rig.get(&file).await.status, 200, "{file}");
    }
    assert!(links > 300, "{links} links");
}

#[tokio::test]
async fn f14_no_script_uses_an_absolute_path() {
    let rig = Rig::new().await;
    for name in ["common.js", "chapter.js", "class.js", "follow.js", "join.js", "votes.js", "workshop.css"] {
        let text = rig.get(&format!("/workshop/page/{name}")).await.body;
        for fixed in ["(\"/workshop", "(`/workshop", "fetch(\"/", "fetch(`/", "url(/", "location.origin"] {
            assert!(!text.contains(fixed), "{name}: {fixed}");
        }
    }
}
