import{L,b}from"./chunk-4e3m3yxa.js";export{L as Stage,b as openingSize};
