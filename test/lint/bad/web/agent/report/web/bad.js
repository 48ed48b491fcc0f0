/* Each of these is a mistake. */

function show(node, data) {
  node.innerHTML = data.name;
  node.setAttribute("style", "color: red");
  setTimeout("later()", 5);
  node.append(el("p", { style: "color: red" }));
  fetch("https://example.org/" + data.name);
  localStorage.theme = "dark";
  console.log(data);
  node.textContent = "this line is longer than eighty columns can hold, by a bit";
}
