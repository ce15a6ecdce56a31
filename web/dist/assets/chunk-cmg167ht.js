import{v,w}from"./chunk-sy7b167d.js";export{v as Stage,w as openingSize};
