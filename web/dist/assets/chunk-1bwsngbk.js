import{L,b}from"./chunk-42h56dat.js";export{L as Stage,b as openingSize};
