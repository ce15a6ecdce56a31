import{y,B}from"./chunk-06rk92y8.js";export{y as Stage,B as openingSize};
