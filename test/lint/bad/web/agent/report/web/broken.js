function f() {}
const = 5;
f();
