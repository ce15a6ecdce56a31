import{B,z}from"./chunk-k7wrcmyf.js";export{B as Stage,z as openingSize};
