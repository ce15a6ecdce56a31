import{m,b}from"./chunk-c6a3t6yg.js";export{m as Stage,b as openingSize};
