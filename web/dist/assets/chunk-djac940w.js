import{v,w}from"./chunk-92nnym0e.js";export{v as Stage,w as openingSize};
