const moment=document.getElementById("unix");moment.value=Math.round(Date.now()/1000);moment.form.addEventListener("submit",()=>{moment.value=Math.round(Date.now()/1000)})
