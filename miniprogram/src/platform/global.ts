// What concerns the document itself; the mini-program has none (see global.h5.ts).
export {}
