"use strict";
// Draws the panels of the page from DATA. What is shown is in `at`; every control changes it and draws again.

const el = (id) => document.getElementById(id);
const at = { moment: DATA.moments.length - 1, cell: 0, step: 0, unit: 0, prediction: 0, quantity: "", axes: ["pc 1", "pc 2", "pc 3"] };

const moment = () => DATA.moments[at.moment];
const cell = () => moment().cells[at.cell];
const gates = () => cell().quantities.filter((q) => q.role !== "state");
const states = () => cell().quantities.filter((q) => q.role === "state");
const rows = () => Math.max(...cell().quantities.map((q) => q.value.length));
const steps = () => cell().symbols.map((_, t) => t);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// plotly reads a little HTML in its texts.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const symbols = () => cell().symbols.map(plain);

// ---- What all pictures share

function layout(more) {
  return Object.assign({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--ink"), size: 12, family: "system-ui, sans-serif" },
    margin: { l: 48, r: 12, t: 8, b: 40 }, dragmode: false, hovermode: "closest",
    hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    shapes: [marker()],
  }, more);
}

// A line at the chosen step, through all subplots.
function marker() {
  return { type: "line", xref: "x", yref: "paper", x0: at.step, x1: at.step, y0: 0, y1: 1,
    line: { color: colour("--ink"), width: 1, dash: "dot" } };
}

const axis = (more) => Object.assign({ gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), fixedrange: true }, more);

// The symbols below the axis where there is room for them, the numbers of the steps else.
function timeAxis(div, more) {
  const room = (div.clientWidth - 60) / cell().symbols.length;
  const longest = Math.max(...cell().symbols.map((s) => [...s].length));
  const tick = room >= 9 * longest || (longest > 1 && room >= 16)
    ? { tickmode: "array", tickvals: steps(), ticktext: symbols(), tickangle: longest > 1 && room < 9 * longest ? -60 : 0, automargin: true }
    : { title: { text: "step", standoff: 4 } };
  return axis(Object.assign({ range: [-0.5, cell().symbols.length - 0.5], zeroline: false }, tick, more));
}

function draw(id, data, more, config) {
  const div = el(id);
  Plotly.react(div, data, layout(more), Object.assign({ responsive: true, displaylogo: false, displayModeBar: false }, config));
  if (!div.listens) {
    div.listens = true;
    div.on("plotly_click", (event) => {
      const point = event.points[0];
      if (div.classList.contains("square")) choose("step", point.pointNumber);
      else if (id !== "parameters" && id !== "dependence") choose("step", Math.round(point.x));
    });
  }
}

// ---- The panels

// Which prediction belongs to the chosen one's number, and what it depends on.
function drawDependence() {
  const first = moment().cells[0], prediction = moment().predictions[at.prediction];
  const norms = prediction ? prediction.dependence : [];
  const most = Math.max(...norms, 1e-30);
  const shown = cell() === first ? norms : [];
  el("text").replaceChildren(...cell().symbols.map((symbol, t) => {
    const button = document.createElement("button");
    button.textContent = symbol;
    button.title = "step " + t;
    button.className = ([...symbol].length > 1 ? "word " : "") + (t === at.step ? "here" : "");
    if (shown.length) button.style.background = `rgba(${colour("--mark")}, ${(0.75 * shown[t] / most).toFixed(3)})`;
    button.onclick = () => choose("step", t);
    return button;
  }));
  const names = first.symbols.map(plain);
  const bars = { type: "bar", x: names.map((_, t) => t), y: norms, customdata: names, marker: { color: `rgb(${colour("--mark")})` },
    hovertemplate: "step %{x}, %{customdata}: %{y:.3g}<extra></extra>" };
  draw("dependence", [bars], { shapes: [], xaxis: axis({ title: { text: "step that is read", standoff: 4 }, range: [-0.5, names.length - 0.5] }),
    yaxis: axis({ title: { text: "‖∂logit/∂x‖" }, rangemode: "tozero" }) });
}

function drawHealth() {
  el("health").replaceChildren(...moment().health.map((finding) => {
    const item = document.createElement("li");
    item.textContent = finding.text;
    item.className = finding.ill ? "ill" : "";
    return item;
  }));
}

// A strip for each gate and candidate: the band of all units, their mean, and one unit.
function drawGates() {
  const shown = gates().length ? gates() : states(), data = [], more = { showlegend: false, hovermode: "x unified" };
  const last = shown.length - 1, height = 1 / shown.length;
  more.xaxis = timeAxis(el("gates"), { anchor: last ? "y" + (last + 1) : "y" });
  shown.forEach((q, k) => {
    const y = k ? "y" + (k + 1) : "y", ink = colour("--q-" + q.name) || colour("--ink");
    const range = q.role === "gate" ? [-0.03, 1.03] : q.role === "candidate" ? [-1.05, 1.05] : undefined;
    const line = (values, name, width, extra) => Object.assign({ type: "scatter", mode: "lines", x: steps(), y: values, yaxis: y, name,
      line: { color: ink, width }, hovertemplate: "%{y:.3f}" }, extra);
    data.push(line(q.most, q.name + " most", 0, { hoverinfo: "skip", hovertemplate: null }));
    data.push(line(q.least, q.name + " least", 0, { hoverinfo: "skip", hovertemplate: null, fill: "tonexty", fillcolor: ink + "30" }));
    data.push(line(q.mean, q.name + " mean", 3));
    const unit = Math.min(at.unit, q.value.length - 1);
    data.push(line(q.value[unit], q.name + " unit " + unit, 1.2));
    more["yaxis" + (k ? k + 1 : "")] = axis({ domain: [1 - (k + 1) * height + 0.03, 1 - k * height], range, title: { text: q.name } });
  });
  el("gates").style.height = 60 + 120 * shown.length + "px";
  more.xaxis.domain = [0, 1];
  draw("gates", data, more);
}

function drawUnits() {
  const [name, what] = at.quantity.split(" "), q = cell().quantities.find((q) => q.name === name) || cell().quantities[0];
  const z = what ? q.grad : q.value;
  const ends = !what && q.role === "gate" ? { zmin: 0, zmax: 1, colorscale: "Viridis" } : { zmid: 0, colorscale: [[0, colour("--q-h")], [0.5, colour("--ground")], [1, colour("--q-f")]] };
  if (!what && q.role === "candidate") Object.assign(ends, { zmin: -1, zmax: 1 });
  const heat = Object.assign({ type: "heatmap", z, x: steps(), customdata: z.map(symbols), colorbar: { thickness: 10, outlinewidth: 0 },
    hovertemplate: "unit %{y}, step %{x}, %{customdata}: %{z:.4g}<extra></extra>" }, ends);
  const cut = cell().quantities.some((q) => q.units > q.value.length);
  el("cut").textContent = cut ? `Shown are the first ${rows()} of ${q.units} units; the CSV files hold all.` : "";
  el("units").style.height = Math.min(640, Math.max(220, 90 + 10 * z.length)) + "px";
  const unit = { type: "rect", xref: "paper", x0: 0, x1: 1, y0: at.unit - 0.5, y1: at.unit + 0.5, line: { color: colour("--ink"), width: 1 } };
  draw("units", [heat], { shapes: [marker(), unit], xaxis: timeAxis(el("units"), { showgrid: false }),
    yaxis: axis({ title: { text: "unit" }, showgrid: false, zeroline: false }) });
}

function drawState() {
  const data = states().flatMap((q) => {
    const ink = colour("--q-" + q.name);
    const line = (y, name, dash) => ({ type: "scatter", mode: "lines", x: steps(), y, name, line: { color: ink, width: 2, dash }, customdata: symbols(),
      hovertemplate: "%{customdata}: %{y:.3g}" });
    return [line(q.mean, "mean of " + q.name, "solid"), line(q.norm, "‖" + q.name + "‖", "dash")];
  });
  draw("state", data, { hovermode: "x unified", xaxis: timeAxis(el("state")), yaxis: axis() });
}

// The coordinates of a state along an axis that was chosen: a principal component, or a unit.
function along(q, name) {
  const [kind, number] = name.split(" ");
  return kind === "pc" ? q.components.points[number - 1] : q.value[Math.min(number, q.value.length - 1)];
}

function drawPaths() {
  el("path-second").hidden = states().length < 2;
  states().slice(0, 2).forEach((q, k) => {
    const [x, y, z] = at.axes.map((name) => along(q, name)), t = at.step, share = q.components.share;
    const colorscale = [[0, colour("--q-h")], [1, colour("--q-f")]];
    const path = { type: "scatter3d", mode: "lines+markers", x, y, z, customdata: symbols(), marker: { size: 4, color: steps(), colorscale },
      line: { color: steps(), colorscale, width: 4 }, hovertemplate: "step %{pointNumber}, %{customdata}<extra></extra>" };
    const here = { type: "scatter3d", mode: "markers+text", x: [x[t]], y: [y[t]], z: [z[t]], text: [symbols()[t]], textposition: "top center",
      textfont: { size: 18, color: colour("--ink") }, marker: { size: 9, symbol: "cross", color: colour("--ink") }, hoverinfo: "skip" };
    const side = (n) => ({ title: { text: at.axes[n] + (at.axes[n].startsWith("pc") ? ` (${Math.round(100 * share[at.axes[n].slice(3) - 1])} %)` : "") },
      color: colour("--soft"), gridcolor: colour("--line"), zerolinecolor: colour("--line"), showbackground: false });
    el("path-name-" + k).textContent = q.name === "c" ? "c, the cell state" : q.name + ", the state that is put out";
    draw("path-" + k, [path, here], { showlegend: false, dragmode: "turntable", shapes: [], margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: "keep",
      scene: { xaxis: side(0), yaxis: side(1), zaxis: side(2), uirevision: "keep", camera: { eye: { x: 1.6, y: 1.6, z: 0.9 } } } });
  });
}

function drawFlow() {
  const positive = (norms) => norms.map((norm) => norm > 0 ? norm : null);
  const line = (y, name, ink, dash) => ({ type: "scatter", mode: "lines", x: steps(), y: positive(y), name, line: { color: ink, width: 2, dash },
    customdata: symbols(), hovertemplate: "%{customdata}: %{y:.3g}" });
  const data = states().map((q) => line(q.gradNorm, `‖∂L/∂${q.name}‖`, colour("--q-" + q.name), "solid"));
  data.push(line(cell().reach, "of the last prediction", colour("--ink"), "dash"));
  draw("flow", data, { hovermode: "x unified", xaxis: timeAxis(el("flow")), yaxis: axis({ type: "log", exponentformat: "power", dtick: 1 }) });
}

function drawParameters() {
  const all = moment().parameters.slice().reverse(), names = all.map((p) => p.name);
  const bar = (y, name, ink) => ({ type: "bar", orientation: "h", y: names, x: y, name, marker: { color: ink }, hovertemplate: "%{y}: %{x:.3g}" });
  el("parameters").style.height = 90 + 42 * names.length + "px";
  draw("parameters", [bar(all.map((p) => p.grad), "gradient", colour("--q-f")), bar(all.map((p) => p.norm), "parameter", colour("--q-h"))],
    { shapes: [], legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "reversed" },
      xaxis: axis({ type: "log", exponentformat: "power", dtick: 1 }), yaxis: axis({ automargin: true }) });
}

// ---- The controls

function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
  return names.includes(chosen) ? chosen : names[0];
}

// Sets the controls to what there is in the chosen moment and cell.
function control() {
  const set = (id, most) => { el(id).max = most; at[id] = Math.min(at[id], most); el(id).value = at[id]; };
  set("moment", DATA.moments.length - 1);
  set("step", cell().symbols.length - 1);
  set("unit", rows() - 1);
  el("moment-label").hidden = DATA.moments.length < 2;
  el("cell-label").hidden = moment().cells.length < 2;
  fill(el("cell"), moment().cells.map((c) => c.name), cell().name);
  el("moment-name").textContent = moment().name;
  el("step-name").textContent = at.step + ": " + cell().symbols[at.step];
  el("unit-name").textContent = at.unit;
  const names = cell().quantities.map((q) => q.name);
  if (!at.quantity) at.quantity = names.includes("f") ? "f" : names[0];
  at.quantity = fill(el("quantity"), [...names, ...names.map((name) => name + " gradient")], at.quantity);
  const axes = ["pc 1", "pc 2", "pc 3", ...Array.from({ length: rows() }, (_, unit) => "unit " + unit)];
  at.axes = at.axes.map((name, k) => fill(el("axis-" + k), axes, name));
  el("prediction").replaceChildren(...moment().predictions.map((p, k) => {
    const expected = p.expected && p.expected !== p.found ? `, right: ${p.expected}` : "";
    return new Option(`step ${p.step}: ${p.found} (${(100 * p.probability).toFixed(0)} %${expected})`, k, false, k === at.prediction);
  }));
  el("about").textContent = `${DATA.about} Loss ${moment().loss}.`;
}

const DRAW = [drawDependence, drawHealth, drawGates, drawUnits, drawState, drawPaths, drawFlow, drawParameters];

function show() {
  control();
  DRAW.forEach((panel) => panel());
}

// Moving in time moves the marks alone.
function move() {
  control();
  drawDependence();
  for (const id of ["gates", "state", "flow"]) Plotly.relayout(el(id), { shapes: [marker()] });
  drawUnits();
  drawPaths();
}

function choose(what, value) {
  at[what] = value;
  // Where something is said at every step, step and prediction go together.
  const said = moment().predictions, k = said.findIndex((p) => p.step === at.step);
  if (what === "step" && k >= 0 && said.length > 1 && cell() === moment().cells.at(-1)) at.prediction = k;
  if (what === "moment" || what === "cell") return show();
  if (what === "step" || what === "prediction") return move();
  control();
  drawUnits();
  if (what === "unit") drawGates();
}

for (const id of ["moment", "step", "unit"]) el(id).oninput = (event) => choose(id, Number(event.target.value));
for (const id of ["cell", "prediction"]) el(id).onchange = (event) => choose(id, event.target.selectedIndex);
el("quantity").onchange = (event) => choose("quantity", event.target.value);
[0, 1, 2].forEach((k) => { el("axis-" + k).onchange = (event) => { at.axes[k] = event.target.value; drawPaths(); }; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

at.prediction = moment().predictions.length - 1;
at.step = Math.min(moment().predictions.at(-1).step, cell().symbols.length - 1);
show();
