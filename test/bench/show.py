"""The results for people: tables, as text or as markdown."""


def plain(value, digits=1):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 100 else digits}f}"


def times(value, own):
    """As a ratio to edgeprobe's."""
    if value is None or not own:
        return "-"
    return f"x{value / own:.2g}" if value / own < 100 else \
        f"x{value / own:,.0f}"


def error(result, which):
    return result["error_us"][which] if result["error_us"] else None


COLUMNS = (
    ("error p50", lambda r, e: plain(error(r, "p50"))),
    ("p99", lambda r, e: plain(error(r, "p99"))),
    ("max us", lambda r, e: plain(error(r, "max"))),
    ("ratio", lambda r, e: times(error(r, "p99"), e and error(e, "p99"))),
    ("unrounded", lambda r, e: plain(error(r, "beyond_rounding_p99"))),
    ("false loss", lambda r, e: plain(r["false_loss"], 0)),
    ("CPU us", lambda r, e: plain(r["cpu_us"])),
    ("ratio", lambda r, e: times(r["cpu_us"], e and e["cpu_us"])),
    ("MiB", lambda r, e: plain(r["memory_mib"])),
    ("rate/s", lambda r, e: plain(r["rate"], 0)),
    ("interval p99 us", lambda r, e: plain(r["interval_p99_us"], 0)),
    ("slip p99 us", lambda r, e: plain(r["slip_p99_us"], 0)),
)


PHASES = (
    ("tls p50", lambda r, e: plain(phase(r, "tls", "p50"))),
    ("p99", lambda r, e: plain(phase(r, "tls", "p99"))),
    ("first byte p50", lambda r, e: plain(phase(r, "first_byte", "p50"))),
    ("p99", lambda r, e: plain(phase(r, "first_byte", "p99"))),
)


def thread(result, name):
    return result["threads_us"].get(name)


# What keeps is the program's first thread, which has its name.
THREADS = (
    ("packets us", lambda r, e: plain(thread(r, "ep-packets"))),
    ("https us", lambda r, e: plain(thread(r, "ep-https"))),
    ("keeping us", lambda r, e: plain(thread(r, "edgeprobe"))),
)


def phase(result, name, which):
    found = result["phases_us"].get(name)
    return found[which] if found else None


def columns(mine):
    ours = any(thread(r, "ep-packets") or thread(r, "ep-https") for r in mine)
    return COLUMNS + (PHASES if any(r["phases_us"] for r in mine) else ()) + \
        (THREADS if ours else ())


def groups(results):
    """[(title, [result, ...])], in the order they were measured."""
    found = {}
    for r in results:
        found.setdefault((r["title"], r["load"]), []).append(r)
    return [(f"{title}, {load}", mine) for (title, load), mine in
            found.items()]


def own(mine):
    return next((r for r in mine if r["tool"] == "edgeprobe"), None)


def cells(mine):
    rows = []
    for r in mine:
        rows.append([r["tool"]] +
                    [show(r, own(mine)) for _, show in columns(mine)])
    return [["tool"] + [name for name, _ in columns(mine)]] + rows


def remarks(mine):
    for r in mine:
        if r["unmatched"]:
            yield f"{r['tool']}: {r['unmatched']} round trips of no packet"
        for said in [r["note"]] * bool(r["note"]) + r["trouble"]:
            yield f"{r['tool']}: {said}"


def wire_line(mine):
    worst = max(mine, key=lambda r: r["wire"]["late_p99_us"])["wire"]
    return (f"the wire released packets late by p50 {worst['late_p50_us']} us, "
            f"p99 {worst['late_p99_us']} us, at most {worst['late_max_us']} us")


# ---- scenario by tool, each with its ratio to edgeprobe

SUMMARIES = (
    ("Error of the round trip, p99, us", lambda r: error(r, "p99")),
    ("CPU a probe, us", lambda r: r["cpu_us"]),
)


def beside(value, base):
    """With its ratio, where there is one."""
    ratio = times(value, base)
    return plain(value) + ("" if ratio == "-" else f" ({ratio})")


def summary(results, key):
    """Tools that have nothing of it are left out."""
    told = [r for r in results if key(r) is not None]
    tools = [tool for tool in dict.fromkeys(r["tool"] for r in results)
             if tool in {r["tool"] for r in told}]
    rows = [["scenario", *tools]]
    for title, mine in groups(results):
        values = {r["tool"]: key(r) for r in mine}
        base = values.get("edgeprobe")
        rows.append([title] + [
            plain(values.get(tool)) if tool == "edgeprobe" else
            beside(values.get(tool), base) for tool in tools])
    return rows


# ---- all of it

def text_section(title, rows, said):
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    yield title
    for row in rows:
        yield "  ".join([row[0].ljust(width[0])] + [
            cell.rjust(width[i]) for i, cell in enumerate(row) if i])
    yield from said
    yield ""


def markdown_section(title, rows, said):
    head, *rest = rows
    yield from (f"**{title}**", "", "| " + " | ".join(head) + " |",
                "| --- |" + " ---: |" * (len(head) - 1))
    for row in rest:
        yield "| " + " | ".join(row) + " |"
    yield ""
    if said:
        yield from [f"- {line}" for line in said] + [""]


def sections(results, budgets, beaten):
    """Title, rows and remarks of each table."""
    for title, mine in groups(results):
        yield (f"{title} ({mine[0]['seconds']} s)", cells(mine),
               [wire_line(mine), *remarks(mine)])
    for title, key in SUMMARIES:
        yield f"{title}, and to edgeprobe's", summary(results, key), []
    if budgets:
        yield "Budgets", budgets, beaten


def document(results, facts, budgets, beaten, markdown):
    section = markdown_section if markdown else text_section
    lines = [about(facts), ""]
    for parts in sections(results, budgets, beaten):
        lines += section(*parts)
    return "\n".join(lines)


def about(facts):
    return (f"{facts['date']}, {facts['system']}, Linux {facts['kernel']}, "
            f"{facts['cpus']} CPUs ({facts['model']}), "
            f"{facts['memory_mib']:,} MiB")
