"""The pages for people, through the data plane's port."""

import http.client

from tests.end_to_end.running import Running, wait_for


def get(platform: Running, path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    """Ask for a page; gives status, headers and text."""
    host, port = platform.base_url.removeprefix("http://").split(":")
    line = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        line.request(method, path, headers={"x-setaria-peer": "6.6.6.6"})
        answer = line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        line.close()


def test_the_console_starts_when_somebody_asks_for_a_page(platform: Running) -> None:
    """The start page names both base URLs and the models; its process is there from the first request on."""
    status, headers, page = get(platform, "/console/")
    assert status == 200
    assert f"{platform.base_url}/v1" in page
    assert f"{platform.base_url}/anthropic" in page
    assert "seedling" in page
    assert headers["x-request-id"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert len(wait_for(lambda: platform.pids("console"))) == 1


def test_the_root_leads_to_the_start_page(platform: Running) -> None:
    """A person who opens the address in a browser finds the console; a program's HEAD gets an empty 200."""
    status, headers, _ = get(platform, "/")
    assert (status, headers["location"]) == (307, "/console/")
    assert get(platform, "/", "HEAD")[0] == 200


def test_a_page_that_is_not_there_is_a_page_that_says_so(platform: Running) -> None:
    """Under /console/ people get a page; anywhere else programs get JSON."""
    status, headers, page = get(platform, "/console/nowhere")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page" in page
    status, headers, page = get(platform, "/nowhere")
    assert (status, headers["content-type"]) == (404, "application/json")


def test_health_and_readiness_are_open_and_say_no_details(platform: Running) -> None:
    """Both answer without a key."""
    assert get(platform, "/healthz")[::2] == (200, '{"status":"ok"}')
    assert get(platform, "/readyz")[::2] == (200, '{"status":"ready"}')
