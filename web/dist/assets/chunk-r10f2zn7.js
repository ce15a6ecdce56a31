import{T,M}from"./chunk-ny81e9cy.js";export{T as Stage,M as openingSize};
